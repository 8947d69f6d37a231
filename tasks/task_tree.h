#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "tasks/record.h"

// The processes of one task, as its supervisor sees and ends them.
namespace workflow::tasks {

/// How a task's processes are found: below its leader or below us, and by the mark they carry.
struct TaskTree {
  ProcessRef leader;
  std::string marker;  ///< `K=V` in the environment of each of them
  bool own = true;     ///< the leader is our child, and what it leaves behind becomes ours

  /// True while the leader is the process that was recorded.
  [[nodiscard]] bool leader_lives() const;
  /// Every process of the task but the leader and us. A task that was started from within this
  /// one has a supervisor of its own and is not ours to end.
  [[nodiscard]] std::vector<ProcessRef> others() const;
  /// A signal to the leader's process group, while the leader lives.
  void signal_group(int signal) const;
};

struct Leftovers {
  std::size_t found = 0;
  std::vector<ProcessRef> survivors;  ///< of TERM, the grace period and KILL
  /// `ended 2 of 3 processes it left behind`.
  [[nodiscard]] std::string text() const;
};

struct EndLeftovers {
  std::int64_t grace_ms = 0;
  bool group_was_told = false;   ///< TERM has reached the leader's group already
  std::function<void()> settle;  ///< waits a moment for processes to end, and reaps them
};

/// Ends what a leader left behind: it would hold the GPU of the next run.
[[nodiscard]] Leftovers end_leftovers(const TaskTree& tree, const Clock& clock,
                                      const EndLeftovers& how);

}  // namespace workflow::tasks
