#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Which GPUs a run gets. Whole GPUs or an even share of one; as many runs side by side as fit.
namespace workflow::sweep {

/// The GPUs that may be used: CUDA_VISIBLE_DEVICES where it is set, else what nvidia-smi lists.
/// None on a machine without any; rows then run one after the other.
[[nodiscard]] std::vector<std::string> visible_gpus();

/// The names in `nvidia-smi -L`: one `GPU n:` line a GPU; parts of one (MIG) are not counted.
[[nodiscard]] std::vector<std::string> gpus_in_listing(const std::string& listing);

/// How much a run wants: `all`, `N`, or `1/N` of one GPU.
struct GpuWish {
  bool all = true;
  std::int64_t count = 0;
  std::int64_t share = 1;  ///< 1/share of a GPU
  friend bool operator==(const GpuWish&, const GpuWish&) = default;
};
/// The wish that a text says; nothing when it says none.
[[nodiscard]] std::optional<GpuWish> parse_gpu_wish(const std::string& text);

/// The GPUs of this machine, and how much of each is free.
class GpuPool {
 public:
  explicit GpuPool(std::vector<std::string> gpus);

  /// The GPUs for a wish, or nothing while it does not fit. A wish for more than there are gets
  /// all of them when nothing else runs: the row then fails by itself, with its own words.
  [[nodiscard]] std::optional<std::vector<std::string>> take(const GpuWish& wish);
  /// Takes the GPUs that a run has already, whether they are free or not; names that are not in
  /// the pool are passed over.
  void occupy(const std::vector<std::string>& gpus, const GpuWish& wish);
  void give_back(const std::vector<std::string>& gpus, const GpuWish& wish);
  [[nodiscard]] std::size_t size() const { return gpus_.size(); }

 private:
  void add(const std::vector<std::string>& gpus, std::int64_t part);

  static constexpr std::int64_t whole = 5040;  ///< divisible by 1 to 10, 12, 14, 15 and 16
  std::vector<std::string> gpus_;
  std::vector<std::int64_t> free_;
  std::int64_t slots_taken_ = 0;  ///< without GPUs: one row at a time
};

}  // namespace workflow::sweep
