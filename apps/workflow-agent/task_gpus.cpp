#include "apps/workflow-agent/task_gpus.h"

#include <algorithm>

#include "common/error.h"
#include "common/json.h"
#include "common/text.h"
#include "tasks/gpu_hold.h"

namespace workflow::agent {
namespace {

constexpr int most_tries = 20;  ///< each one lost means that another has taken one of the GPUs

std::optional<sweep::GpuWish> wish_of(const tasks::TaskSpec& spec) {
  if (spec.gpu_wish.empty()) return std::nullopt;
  const auto wish = sweep::parse_gpu_wish(spec.gpu_wish);
  if (!wish) {
    throw Error(Code::usage, "--gpus '" + spec.gpu_wish + "' is no number of GPUs",
                "N, a share such as 1/2, or all");
  }
  for (const auto& entry : spec.env) {
    if (entry.rfind("CUDA_VISIBLE_DEVICES=", 0) != 0) continue;
    throw Error(Code::usage, "--gpus and --env CUDA_VISIBLE_DEVICES contradict each other",
                "--gpus sets that variable to the GPUs that it holds");
  }
  return wish;
}

std::vector<std::string> ids_of(const std::vector<tasks::Gpu>& gpus) {
  std::vector<std::string> ids;
  for (const auto& gpu : gpus) ids.push_back(gpu.id);
  return ids;
}

/// Somebody's own process is a holder as well, of the whole GPU.
std::vector<tasks::HeldGpu> held_without_lease(const tasks::GpuInventory& machine,
                                               const tasks::GpuUse& use,
                                               const std::vector<tasks::HeldGpu>& leased) {
  std::vector<tasks::Gpu> rest = machine.gpus;
  for (const auto& held : leased) {
    std::erase_if(rest, [&held](const tasks::Gpu& gpu) { return gpu.id == held.gpu; });
  }
  std::vector<tasks::HeldGpu> found;
  for (const auto& [gpu, evidence] : tasks::used_by_others(rest, use, {})) {
    found.push_back({gpu, 1, evidence, tasks::Liveness::alive});
  }
  return found;
}

Error not_free(const std::string& wish, const std::vector<std::string>& gpus,
               const std::vector<tasks::HeldGpu>& holders) {
  std::string who;
  Json list = Json::array();
  for (const auto& held : holders) {
    if (std::find(gpus.begin(), gpus.end(), held.gpu) == gpus.end()) continue;
    const std::string part = held.share > 1 ? "1/" + std::to_string(held.share) + " of " : "";
    who += (who.empty() ? "" : "\n") + part + held.gpu + ": " + held.holder;
    list.push_back({{"gpu", held.gpu}, {"share", held.share}, {"holder", held.holder}});
  }
  return {
      Code::busy,
      "--gpus " + wish + " is more than is free of the " + counted(gpus.size(), "GPU") + " here",
      who, dump_json({{"holder", {{"gpus", list}}}})};
}

}  // namespace

TaskGpus::TaskGpus(const tasks::Site& site, const tasks::TaskSpec& spec)
    : wish_(wish_of(spec)),
      leases_(site.path("WF_GPU_LEASE_DIR")),
      user_(site.actor().user + "@" + site.actor().host) {
  if (!wish_) return;
  machine_ = tasks::known_gpus();
  const auto there = static_cast<std::int64_t>(machine_.gpus.size());
  if (there == 0) {
    throw Error(Code::precondition, "--gpus " + spec.gpu_wish + ": this machine has no GPU",
                "without --gpus the task runs all the same");
  }
  if (!sweep::GpuPool(ids_of(machine_.gpus)).can_ever_fit(*wish_)) {
    throw Error(Code::precondition,
                "--gpus " + spec.gpu_wish + ": this machine has " + counted(there, "GPU") +
                    " that can be used",
                join(machine_.left_out, "\n"));
  }
  use_ = tasks::gpu_use();
  if (!use_.unknown.empty()) {
    machine_.left_out.push_back("whether others use the GPUs is not known: " + use_.unknown);
  }
}

TaskGpus::~TaskGpus() {
  if (!taken_.empty()) leases_.release(taken_);
}

void TaskGpus::take(tasks::TaskSpec& spec, const fs::path& dir) {
  if (!wish_) return;
  const auto gpus = ids_of(machine_.gpus);
  std::vector<tasks::HeldGpu> holders;
  for (int tries = 0; tries < most_tries; ++tries) {
    sweep::GpuPool pool(gpus);
    holders = leases_.held_by_others("");
    for (const auto& held : held_without_lease(machine_, use_, holders)) holders.push_back(held);
    for (const auto& held : holders) pool.occupy({held.gpu}, {false, 1, held.share});
    const auto chosen = pool.take(*wish_);
    if (!chosen) break;
    const tasks::GpuHolder holder{
        .dir = dir, .id = spec.task_id, .user = user_, .owner = dir.string(), .processes = {}};
    if (!leases_.take(*chosen, wish_->share, holder).empty()) continue;
    taken_ = dir;
    return tasks::note_gpu_lease(spec, leases_, *chosen);
  }
  throw not_free(spec.gpu_wish, gpus, holders);
}

}  // namespace workflow::agent
