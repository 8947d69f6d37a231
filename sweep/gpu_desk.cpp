#include "sweep/gpu_desk.h"

#include <algorithm>

#include "common/error.h"
#include "common/text.h"
#include "sweep/launch_line.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t look_every_ms = 5'000;
constexpr std::int64_t ask_every_ms = 15'000;
constexpr std::int64_t ask_a_silent_one_every_ms = 300'000;

bool same(const std::vector<tasks::GpuInUse>& a, const std::vector<tasks::GpuInUse>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& left, const auto& right) { return left.gpu == right.gpu; });
}

}  // namespace

GpuDesk::GpuDesk(const tasks::Site& site, const Campaign& campaign)
    : site_(site), campaign_(campaign), leases_(site.path("WF_GPU_LEASE_DIR"), site.clock()) {}

GpuDesk GpuDesk::of_this_machine(const tasks::Site& site, const Campaign& campaign) {
  GpuDesk desk(site, campaign);
  tasks::GpuInventory known = tasks::known_gpus();
  desk.gpus_ = std::move(known.gpus);
  desk.broken_ = std::move(known.left_out);
  return desk;
}

GpuPool GpuDesk::pool() const {
  std::vector<std::string> ids;
  for (const auto& gpu : gpus_) ids.push_back(gpu.id);
  return GpuPool(std::move(ids), site_.number("SWEEP_SLOTS", 1));
}

std::string GpuDesk::text() const {
  if (!gpus_.empty()) return counted(static_cast<std::int64_t>(gpus_.size()), "GPU");
  const std::int64_t slots = site_.number("SWEEP_SLOTS", 1);
  return "no GPU: " + (slots == 1 ? "one at a time" : std::to_string(slots) + " side by side");
}

bool GpuDesk::look(const std::set<std::string>& held, std::int64_t now_ms) {
  if (gpus_.empty() || now_ms < next_look_ms_) return false;
  next_look_ms_ = now_ms + look_every_ms;
  if (now_ms >= next_question_ms_) ask(held, now_ms);
  std::vector<tasks::GpuInUse> found = used_;
  for (const auto& lease : leases_.held_by_others(campaign_.id)) {
    found.push_back({lease.gpu, "held by " + lease.holder});
  }
  const bool changed = !same(found, others_);
  others_ = std::move(found);
  return changed;
}

/// Whose processes are on the GPUs. A driver that hangs makes the question long: it is asked again
/// later. No answer is no proof that anybody has gone: what was seen last holds until then.
void GpuDesk::ask(const std::set<std::string>& held, std::int64_t now_ms) {
  const tasks::GpuUse use = tasks::gpu_use();
  next_question_ms_ = now_ms + (use.unknown.empty() ? ask_every_ms : ask_a_silent_one_every_ms);
  if (!use.unknown.empty()) return;
  std::set<pid_t> ours;
  for (const auto& process : tasks::carrying(campaign_mark(campaign_))) ours.insert(process.pid);
  used_ = tasks::used_by_others(
      gpus_, use, {.held = held, .process = [&](pid_t pid) { return ours.contains(pid); }});
}

std::vector<std::string> GpuDesk::left_out() const {
  std::vector<std::string> ids;
  for (const auto& use : others_) ids.push_back(use.gpu);
  return ids;
}

std::vector<std::string> GpuDesk::reasons() const {
  std::vector<std::string> texts = broken_;
  for (const auto& use : others_) texts.push_back("GPU " + use.gpu + ": " + use.evidence);
  return texts;
}

tasks::GpuHolder GpuDesk::holder(const std::string& run_id) const {
  return {.dir = site_.run_dir(run_id),
          .id = run_id,
          .user = site_.actor().user + "@" + site_.actor().host,
          .owner = campaign_.id};
}

std::optional<std::string> GpuDesk::take(const std::vector<std::string>& gpus, std::int64_t share,
                                         const tasks::GpuHolder& holder) {
  if (gpus_.empty() || gpus.empty()) return std::nullopt;
  try {
    const auto in_the_way = leases_.take(gpus, share, holder);
    if (in_the_way.empty()) return std::nullopt;
    next_look_ms_ = 0;
    return "GPU " + in_the_way.front().gpu + " is held by " + in_the_way.front().holder;
  } catch (const Error& fault) {
    return fault.what();  // a lock or a disk that everybody shares: no fault of the row's
  }
}

std::optional<std::string> GpuDesk::take(const std::string& run_id,
                                         const std::vector<std::string>& gpus, std::int64_t share) {
  return take(gpus, share, holder(run_id));
}

std::optional<std::string> GpuDesk::adopt(const RunView& run, std::int64_t share) {
  tasks::GpuHolder mine = holder(run.task.spec.task_id);
  mine.processes = {run.task.record.supervisor, run.task.record.leader};
  return take(gpus_of(run), share, mine);
}

void GpuDesk::release(const std::string& run_id) { leases_.release(site_.run_dir(run_id)); }

}  // namespace workflow::sweep
