#include "sweep/retry_policy.h"

#include <algorithm>
#include <iterator>

namespace workflow::sweep {
namespace {

/// What trying again may do for a class; the row's own budget bounds it further.
struct Retry {
  std::string_view cls;
  std::int64_t most;  ///< further attempts while the class stays the same
  std::int64_t first_ms;
  std::int64_t factor;
  std::int64_t longest_ms;
  bool spends = true;  ///< takes from the row's budget
};

// Classes without a row are not tried again: import, assertion, data, auth, nan, timeout end in the
// same way each time and only burn GPU hours. So does `exit`: no line told of the machine, its
// neighbours or the network, so the code is the program's own verdict on the row, and a second
// night for it is the user's decision (sweep-start --retry-failed).
// clang-format off
constexpr Retry table[] = {
    // Once, when what a neighbour or a dying process held is given back: twice is the row's own.
    {"oom_gpu",   1,  30'000, 1,  30'000},
    // Rows side by side share the memory; what took it may be gone when the wait is over.
    {"oom_host",  2,  30'000, 4, 120'000},
    // A peer or a link: mostly of the moment.
    {"nccl",      3,  10'000, 4, 160'000},
    // An Xid may have taken the GPU for a while; a driver needs its time to reset it.
    {"cuda",      2,  15'000, 4,  60'000},
    // A hub or a proxy that is down stays so for minutes; asking it often makes it worse.
    {"network",   5,  15'000, 4, 900'000},
    // A crash by signal or somebody's kill: soon, because the GPUs stand idle.
    {"killed",    2,   5'000, 4,  60'000},
    // Its supervisor or the whole pod went away, not the training.
    {"lost",      3,   5'000, 1,   5'000},
    // Hangs come from the machine; the stall itself was wait enough.
    {"stalled",   2,   5'000, 1,   5'000},
    // The disk's fault, and no start happens below the floor; three in a row are the row's own
    // quota or a file that is too large.
    {"disk_full", 3,  60'000, 4, 600'000, false},
};
// clang-format on

const Retry* retry_of(std::string_view cls) {
  const auto* row = std::find_if(std::begin(table), std::end(table),
                                 [&](const Retry& retry) { return retry.cls == cls; });
  return row == std::end(table) ? nullptr : row;
}

}  // namespace

std::optional<std::int64_t> retry_wait_ms(std::string_view cls, std::int64_t attempt,
                                          std::int64_t same_class_in_a_row,
                                          std::int64_t max_retries) {
  const Retry* retry = retry_of(cls);
  if (retry == nullptr || same_class_in_a_row > retry->most) return std::nullopt;
  if (retry->spends && attempt > max_retries) return std::nullopt;
  std::int64_t wait = retry->first_ms;
  for (std::int64_t n = 1; n < same_class_in_a_row; ++n) {
    wait = std::min(wait * retry->factor, retry->longest_ms);
  }
  return wait;
}

bool spends_budget(std::string_view cls) {
  const Retry* retry = retry_of(cls);
  return retry == nullptr || retry->spends;
}

}  // namespace workflow::sweep
