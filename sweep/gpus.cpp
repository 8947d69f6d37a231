#include "sweep/gpus.h"

#include <algorithm>

#include "common/text.h"
#include "tasks/gpu_leases.h"

namespace workflow::sweep {

using tasks::gpu_whole;

std::optional<GpuWish> parse_gpu_wish(const std::string& text) {
  if (text.empty() || text == "all") return GpuWish{};
  if (text.rfind("1/", 0) == 0) {
    const auto share = parse_integer(text.substr(2));
    if (!share || *share < 1 || *share > 64) return std::nullopt;
    return GpuWish{false, 1, *share};
  }
  const auto count = parse_integer(text);
  if (!count || *count < 1) return std::nullopt;
  return GpuWish{false, *count, 1};
}

GpuPool::GpuPool(std::vector<std::string> gpus, std::int64_t slots)
    : gpus_(std::move(gpus)),
      free_(gpus_.size(), gpu_whole),
      left_out_(gpus_.size(), false),
      slots_(std::max<std::int64_t>(1, slots)) {}

bool GpuPool::can_ever_fit(const GpuWish& wish) const {
  return gpus_.empty() || wish.all || wish.count <= static_cast<std::int64_t>(gpus_.size());
}

void GpuPool::leave_out(const std::vector<std::string>& gpus) {
  for (std::size_t i = 0; i < gpus_.size(); ++i) {
    left_out_[i] = std::find(gpus.begin(), gpus.end(), gpus_[i]) != gpus.end();
  }
}

std::optional<std::vector<std::string>> GpuPool::take(const GpuWish& wish) {
  if (gpus_.empty()) {
    if (slots_taken_ >= slots_) return std::nullopt;
    slots_taken_ += 1;
    return std::vector<std::string>{};
  }
  const std::int64_t part = gpu_whole / wish.share;
  std::vector<std::size_t> fitting;
  std::size_t offered = 0;
  for (std::size_t i = 0; i < free_.size(); ++i) {
    if (left_out_[i]) continue;
    offered += 1;
    if (free_[i] >= part) fitting.push_back(i);
  }
  const std::size_t count = wish.all ? offered : static_cast<std::size_t>(wish.count);
  if (count == 0 || fitting.size() < count) return std::nullopt;
  // Shares fill one GPU before they open the next.
  std::stable_sort(fitting.begin(), fitting.end(),
                   [this](std::size_t a, std::size_t b) { return free_[a] < free_[b]; });
  fitting.resize(count);
  std::sort(fitting.begin(), fitting.end());
  std::vector<std::string> taken;
  for (const std::size_t i : fitting) {
    free_[i] -= part;
    taken.push_back(gpus_[i]);
  }
  return taken;
}

void GpuPool::occupy(const std::vector<std::string>& gpus, const GpuWish& wish) {
  slots_taken_ += 1;
  add(gpus, -(gpu_whole / wish.share));
}

void GpuPool::give_back(const std::vector<std::string>& gpus, const GpuWish& wish) {
  slots_taken_ = std::max<std::int64_t>(0, slots_taken_ - 1);
  add(gpus, gpu_whole / wish.share);
}

void GpuPool::add(const std::vector<std::string>& gpus, std::int64_t part) {
  for (const auto& gpu : gpus) {
    const auto at = std::find(gpus_.begin(), gpus_.end(), gpu);
    if (at != gpus_.end()) free_[static_cast<std::size_t>(at - gpus_.begin())] += part;
  }
}

}  // namespace workflow::sweep
