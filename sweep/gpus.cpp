#include "sweep/gpus.h"

#include <algorithm>
#include <cstdlib>

#include "common/subprocess.h"
#include "common/text.h"

namespace workflow::sweep {

std::vector<std::string> gpus_in_listing(const std::string& listing) {
  std::vector<std::string> gpus;
  for (const auto& line : split(listing, '\n')) {
    if (line.rfind("GPU ", 0) != 0) continue;
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    if (parse_integer(line.substr(4, colon - 4))) gpus.push_back(line.substr(4, colon - 4));
  }
  return gpus;
}

std::vector<std::string> visible_gpus() {
  if (const char* given = std::getenv("CUDA_VISIBLE_DEVICES")) {
    std::vector<std::string> gpus;
    for (const auto& part : split(given, ',')) {
      if (trim(part).starts_with('-')) break;  // to CUDA the list ends there; -1 alone hides all
      if (!trim(part).empty()) gpus.emplace_back(trim(part));
    }
    return gpus;
  }
  CaptureSpec spec;
  spec.argv = {"nvidia-smi", "-L"};
  const Captured listing = capture(spec);
  return listing.ok() ? gpus_in_listing(listing.out) : std::vector<std::string>{};
}

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

GpuPool::GpuPool(std::vector<std::string> gpus)
    : gpus_(std::move(gpus)), free_(gpus_.size(), whole) {}

std::optional<std::vector<std::string>> GpuPool::take(const GpuWish& wish) {
  if (gpus_.empty()) {
    if (slots_taken_ > 0) return std::nullopt;
    slots_taken_ = 1;
    return std::vector<std::string>{};
  }
  const std::int64_t part = whole / wish.share;
  const std::size_t count =
      wish.all ? gpus_.size() : std::min(gpus_.size(), static_cast<std::size_t>(wish.count));
  std::vector<std::size_t> fitting;
  for (std::size_t i = 0; i < free_.size(); ++i) {
    if (free_[i] >= part) fitting.push_back(i);
  }
  if (fitting.size() < count) return std::nullopt;
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
  add(gpus, -(whole / wish.share));
}

void GpuPool::give_back(const std::vector<std::string>& gpus, const GpuWish& wish) {
  slots_taken_ = std::max<std::int64_t>(0, slots_taken_ - 1);
  add(gpus, whole / wish.share);
}

void GpuPool::add(const std::vector<std::string>& gpus, std::int64_t part) {
  for (const auto& gpu : gpus) {
    const auto at = std::find(gpus_.begin(), gpus_.end(), gpu);
    if (at != gpus_.end()) free_[static_cast<std::size_t>(at - gpus_.begin())] += part;
  }
}

}  // namespace workflow::sweep
