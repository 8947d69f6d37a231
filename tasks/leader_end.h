#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/clock.h"
#include "fsm/task_machine.h"
#include "tasks/launcher_end.h"
#include "tasks/order.h"
#include "tasks/record.h"
#include "tasks/task_tree.h"

namespace workflow::tasks {

/// How a supervisor ends its command: by its limit or an order; TERM, the grace, KILL. Writes the
/// reason into the record as it goes.
class LeaderEnd {
 public:
  LeaderEnd(const Clock& clock, const TaskSpec& spec, TaskRecord& record)
      : clock_(clock), spec_(spec), record_(record) {}

  /// The command may run until that time of the steady clock.
  void set_limit(std::int64_t at_ms) { limit_ms_ = at_ms; }
  [[nodiscard]] bool limit_is_over(std::int64_t now_ms) const {
    return now_ms >= limit_ms_ && !why_;
  }
  void time_out(const TaskTree& tree);
  void cancel(const Order& order, const TaskTree& tree);
  /// Asked once more: the earlier of both ends of the grace.
  void hasten(const Order& order);
  /// Does what is due: KILL after the grace, TERM to a launcher whose children have ended.
  void turn(std::int64_t now_ms, const TaskTree& tree);

  /// When something is due again, and what else tells of it.
  [[nodiscard]] std::int64_t next_ms() const;
  [[nodiscard]] std::vector<int> fds() const;
  /// Where the kernel cannot tell of an end (no pidfd), the children are looked at again.
  [[nodiscard]] std::int64_t longest_wait_ms() const { return launcher_ ? 100 : 60'000; }

  /// Set when it was we who ended it.
  [[nodiscard]] std::optional<fsm::TaskEvent> why() const { return why_; }
  /// TERM has reached the leader's whole group.
  [[nodiscard]] bool group_was_told() const { return why_ && !launcher_; }
  [[nodiscard]] std::int64_t grace_ms() const {
    return grace_secs_.value_or(spec_.grace_secs) * 1000;
  }

 private:
  void end(int signal, const TaskTree& tree);

  static constexpr std::int64_t never = INT64_MAX;

  const Clock& clock_;
  const TaskSpec& spec_;
  TaskRecord& record_;
  std::optional<fsm::TaskEvent> why_;
  std::int64_t limit_ms_ = never;
  std::int64_t kill_ms_ = never;
  std::optional<std::int64_t> grace_secs_;  ///< the order's own
  std::optional<LauncherEnd> launcher_;     ///< until its children have ended
};

}  // namespace workflow::tasks
