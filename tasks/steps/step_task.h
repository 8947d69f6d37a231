#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tasks/site.h"

// bootstrap and checkout as tracked tasks: they hold a lease on the state, and their supervisor
// moves it when they have ended.
namespace workflow::tasks {

/// Runs the step of a task directory in this process; the agent's verb `step`. Returns its exit
/// code; the reason of a failure is the last line of the log.
int run_step(Files& files, const Clock& clock, const fs::path& task_dir);

/// What a step that has ended left for the state record.
[[nodiscard]] Json step_claims(Files& files, const fs::path& task_dir);
/// The line it left for people; empty for none.
[[nodiscard]] std::string step_summary(Files& files, const fs::path& task_dir);

/// What it warned of.
[[nodiscard]] std::vector<std::string> step_warnings(Files& files, const fs::path& task_dir);

/// A step that is going: begun by us or found.
struct StepStart {
  std::string task_id;
  bool created = true;               ///< false: the same step was going, we came to watch it
  std::vector<std::string> notes{};  ///< what the keeper corrected
};

/// Gate, lease, task and supervisor, under the state's lock: all of it or nothing. With `again` the
/// step that the same request (Ask::token) has started before is watched, also when it has ended.
StepStart start_step(const Site& site, fsm::Event step, const Ask& ask,
                     const std::function<Evidence(const StateRecord&)>& look,
                     const std::vector<std::string>& secrets, bool again);

/// Called when a step's task has ended: moves the state or lets go of the lease.
void settle_step(Files& files, const Clock& clock, const fs::path& task_dir, const TaskSpec& spec,
                 const TaskRecord& record);

}  // namespace workflow::tasks
