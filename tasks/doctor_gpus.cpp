#include "tasks/doctor_gpus.h"

#include <map>

#include "common/error.h"
#include "common/text.h"
#include "tasks/gpu_leases.h"
#include "tasks/gpus.h"

namespace workflow::tasks {
namespace {

using State = Finding::State;

/// By GPU: who has it by a lease, or what shows that somebody uses it without one.
std::map<std::string, std::vector<std::string>> holders(const Site& site,
                                                        const std::vector<Gpu>& gpus) {
  std::map<std::string, std::vector<std::string>> found;
  for (const auto& held : GpuLeases(site.path("WF_GPU_LEASE_DIR")).held_by_others("")) {
    const std::string part = held.share > 1 ? "1/" + std::to_string(held.share) + " " : "";
    found[held.gpu].push_back(part + held.holder);
  }
  for (const auto& [gpu, evidence] : used_by_others(gpus, gpu_use(), {})) {
    if (!found.contains(gpu)) found[gpu].push_back(evidence);
  }
  return found;
}

std::string kind_of(const std::vector<Gpu>& gpus) {
  const Gpu& first = gpus.front();
  std::string text = std::to_string(gpus.size());
  if (!first.name.empty()) text += ": " + first.name;
  if (first.memory_mib > 0) text += ", " + std::to_string(first.memory_mib) + " MiB";
  for (const Gpu& gpu : gpus) {
    if (gpu.name != first.name) return text + ", and others";
  }
  return text;
}

}  // namespace

Finding look_at_gpus(const Site& site, bool required) {
  const GpuInventory machine = gpu_inventory();
  if (!machine.unknown.empty()) {
    return {"gpu", State::fail, machine.unknown,
            "a GPU that hangs or is lost needs a reset, or the machine a reboot"};
  }
  if (machine.gpus.empty()) {
    return {"gpu", required ? State::fail : State::ok,
            std::string("none that nvidia-smi lists") + (required ? "" : ", and none is needed"),
            required ? "is this the right machine? REQUIRE_GPU_TORCH=0 goes without" : ""};
  }
  Finding found{"gpu", State::ok, kind_of(machine.gpus)};
  for (const auto& [gpu, names] : holders(site, machine.gpus)) {
    found.text += "; " + gpu + ": " + join(names, ", ");
  }
  if (!machine.left_out.empty()) {
    found.state = State::warn;
    found.text += "; " + join(machine.left_out, "; ");
    found.hint = "these GPUs are left out";
  }
  return found;
}

}  // namespace workflow::tasks
