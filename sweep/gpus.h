#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Which GPUs a run gets. Whole GPUs or an even share of one; as many runs side by side as fit.
// Which GPUs there are is tasks/gpus.h; what others hold of them, tasks/gpu_leases.h.
namespace workflow::sweep {

/// How much a run wants: `all`, `N`, or `1/N` of one GPU.
struct GpuWish {
  bool all = true;
  std::int64_t count = 0;
  std::int64_t share = 1;  ///< 1/share of a GPU
  friend bool operator==(const GpuWish&, const GpuWish&) = default;
};
/// The wish that a text says; nothing when it says none.
[[nodiscard]] std::optional<GpuWish> parse_gpu_wish(const std::string& text);

/// The GPUs of this machine, and how much of each is free; without any, slots.
class GpuPool {
 public:
  /// `slots`: so many runs go side by side where there are no GPUs.
  explicit GpuPool(std::vector<std::string> gpus, std::int64_t slots = 1);

  /// False for a wish that this machine never fulfils: more GPUs than it has. Without any GPU
  /// every wish is a slot.
  [[nodiscard]] bool can_ever_fit(const GpuWish& wish) const;
  /// These are not given out until the next call, whatever is free of them: others use them. What
  /// runs on them goes on.
  void leave_out(const std::vector<std::string>& gpus);
  /// The GPUs for a wish, or nothing while it does not fit. `all` is every GPU that is not left
  /// out, once all of them are free. A wish that can never fit gets nothing.
  [[nodiscard]] std::optional<std::vector<std::string>> take(const GpuWish& wish);
  /// Takes the GPUs that a run has already, whether they are free or not; names that are not in
  /// the pool are passed over.
  void occupy(const std::vector<std::string>& gpus, const GpuWish& wish);
  void give_back(const std::vector<std::string>& gpus, const GpuWish& wish);
  [[nodiscard]] std::size_t size() const { return gpus_.size(); }

 private:
  void add(const std::vector<std::string>& gpus, std::int64_t part);

  std::vector<std::string> gpus_;
  std::vector<std::int64_t> free_;  ///< of gpu_whole
  std::vector<bool> left_out_;
  std::int64_t slots_ = 1;
  std::int64_t slots_taken_ = 0;
};

}  // namespace workflow::sweep
