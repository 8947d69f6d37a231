#include "tasks/gpu_hold.h"

#include "common/json.h"
#include "common/text.h"

namespace workflow::tasks {

void note_gpu_lease(TaskSpec& spec, const GpuLeases& leases, const std::vector<std::string>& gpus) {
  spec.identity["gpus"] = gpus;
  spec.owner["gpu_leases"] = leases.dir().string();
}

std::optional<GpuLeases> gpu_leases_of(const TaskSpec& spec) {
  const std::string dir = text_at(spec.owner, "gpu_leases");
  if (dir.empty()) return std::nullopt;
  return GpuLeases(dir);
}

std::optional<std::string> visible_devices(const TaskSpec& spec) {
  if (spec.gpu_wish.empty()) return std::nullopt;
  std::vector<std::string> gpus;
  for (const auto& gpu : member(spec.identity, "gpus")) gpus.push_back(gpu.get<std::string>());
  return "CUDA_VISIBLE_DEVICES=" + join(gpus, ",");
}

}  // namespace workflow::tasks
