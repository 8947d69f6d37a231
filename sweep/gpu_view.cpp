#include "sweep/gpu_view.h"

#include <algorithm>

#include "common/error.h"
#include "tasks/gpu_leases.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t every_ms = 5'000;

/// Who holds GPUs by a lease and is not of the campaign; what cannot be asked says nothing.
std::vector<tasks::HeldGpu> held_by_others(const tasks::Site& site, const std::string& campaign) {
  try {
    return tasks::GpuLeases(site.path("WF_GPU_LEASE_DIR"), site.clock()).held_by_others(campaign);
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

void GpuView::look(const tasks::Site& site, const std::string& campaign) {
  const std::int64_t begun = site.clock().steady_ms();
  if (looks_++ == 0 || begun < next_ms_) return;
  if (looks_ == 2) gpus_ = tasks::gpu_inventory().gpus;
  next_ms_ = begun + every_ms;
  if (gpus_.empty()) return;
  const auto busy = tasks::gpu_activity();
  const auto held = held_by_others(site, campaign);
  json_ = Json::array();
  for (const tasks::Gpu& gpu : gpus_) {
    Json one = {{"id", gpu.id}, {"index", gpu.index}, {"name", gpu.name}};
    const auto percent = busy.find(gpu.id);
    if (percent != busy.end()) one["busy"] = percent->second;
    for (const auto& other : held) {
      if (other.gpu == gpu.id) one["others"] = other.holder;
    }
    json_.push_back(std::move(one));
  }
  const std::int64_t now = site.clock().steady_ms();
  next_ms_ = now + std::max(every_ms, 10 * (now - begun));
}

}  // namespace workflow::sweep
