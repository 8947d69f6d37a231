#pragma once
// The states of one task: a command under a supervisor. A condition, not a cause: why it ended is
// told beside it, in the record.

#include <optional>
#include <span>
#include <string_view>

namespace workflow::fsm {

/// Where a task stands; the names are those of its status record.
enum class TaskState { pending, running, success, failed, timed_out, cancelled, lost };

/// What happens to a task. `vanish`: supervisor and command are proven gone without a result, or
/// the result of a command that outlived its supervisor cannot be known.
enum class TaskEvent { start, exit_ok, exit_bad, time_out, cancel, vanish };

/// The name in the task's status record.
[[nodiscard]] std::string_view name(TaskState state);

/// The name of the event, as logs print it.
[[nodiscard]] std::string_view name(TaskEvent event);

/// The state of that name; nothing for an unknown one.
[[nodiscard]] std::optional<TaskState> task_state_from(std::string_view text);

/// Every state, pending first.
[[nodiscard]] std::span<const TaskState> all_task_states();

/// Where the event leads; nothing when it cannot happen in that state.
[[nodiscard]] std::optional<TaskState> next(TaskState from, TaskEvent on);

/// True when nothing will happen to the task any more.
[[nodiscard]] bool is_ended(TaskState state);

}  // namespace workflow::fsm
