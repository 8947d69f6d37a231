#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/json.h"
#include "tasks/order.h"
#include "tasks/site.h"

// Whether the runs that go on get anywhere, judged from outside: their logs and metrics, and what
// their processes and GPUs do. Nothing here ends a run: it only says what it found.
namespace workflow::sweep {

/// What is to follow from a finding.
enum class Action {
  warn,   ///< say it, and nothing more
  retry,  ///< end the run; one more attempt, whatever is the rule for its class, within its retries
  stop,   ///< end the run; no further attempt, whatever is the rule for its class
  clear,  ///< what was warned of is over
};

/// The word of RUN_STALL_POLICY and of records.
[[nodiscard]] std::string_view name(Action action);

/// What was found about one run. Each is told once for an attempt, the warning before the act.
struct Finding {
  std::size_t row = 0;
  std::string cls{};  ///< `stalled` or `nan`
  Action action = Action::warn;
  std::string reason{};  ///< for people; without the values of secrets
};

/// The order that ends a run for a finding of `retry` or `stop`. Its class alone does not say
/// whether the run is tried again: the finding's action does, which stands in the row's `health`.
[[nodiscard]] tasks::Order order_of(const Finding& finding);

/// What a row keeps of its last finding: {"class","action","reason","at"}; null for `clear`.
/// Recorded before the order is written, so that an executor that comes after knows the action.
[[nodiscard]] Json health_json(const Finding& finding, std::int64_t now_ms);

/// One attempt of a row that goes on.
struct Watched {
  std::size_t row = 0;
  std::string run_id{};
  int attempt = 1;
};

/// Percent busy by GPU id (tasks::gpu_activity); empty when it cannot be asked.
using GpuActivity = std::function<std::map<std::string, int>()>;

/// Looks at runs every ten seconds, more often where RUN_STALL_SECS is short. It begins anew with
/// each executor and each attempt; time in which nobody looked (a suspended machine, a busy
/// executor) counts for no stall.
class HealthWatch {
 public:
  HealthWatch(const tasks::Site& site, GpuActivity gpus);
  ~HealthWatch();
  HealthWatch(const HealthWatch&) = delete;
  HealthWatch& operator=(const HealthWatch&) = delete;

  /// Looks at the runs where it is time to; what cannot be seen is no finding. `now_ms` is steady.
  [[nodiscard]] std::vector<Finding> look(const std::vector<Watched>& going, std::int64_t now_ms);
  /// The steady time of the next look.
  [[nodiscard]] std::int64_t next_ms() const;

 private:
  struct Watch;
  std::unique_ptr<Watch> watch_;
};

}  // namespace workflow::sweep
