#pragma once
// The states of one run, a row of a sweep. It goes the way of a task, but it can be stopped by
// hand, tried again, and removed.

#include <optional>
#include <span>
#include <string_view>

namespace workflow::fsm {

/// Where a run stands; the names are those of its status record.
enum class RunState {
  pending,
  running,
  success,
  failed,
  timed_out,
  cancelled,
  stopped,
  lost,
  deleted,
};

/// What happens to a run. `cancel` ends it with its sweep, `stop` ends it alone; `retry` begins
/// the next attempt, whoever asks for it; `vanish` as for tasks; `put_back`: it was announced, but
/// its attempt has never begun.
enum class RunEvent {
  start,
  put_back,
  exit_ok,
  exit_bad,
  time_out,
  cancel,
  stop,
  vanish,
  retry,
  remove,
};

/// The name in the run's status record.
[[nodiscard]] std::string_view name(RunState state);

/// The name of the event, as logs print it.
[[nodiscard]] std::string_view name(RunEvent event);

/// The state of that name; nothing for an unknown one.
[[nodiscard]] std::optional<RunState> run_state_from(std::string_view text);

/// Every state, pending first.
[[nodiscard]] std::span<const RunState> all_run_states();

/// Where the event leads; nothing when it cannot happen in that state.
[[nodiscard]] std::optional<RunState> next(RunState from, RunEvent on);

/// What happened to a run that was in one state and is in another; nothing where no single event
/// leads there.
[[nodiscard]] std::optional<RunEvent> event_between(RunState from, RunState to);

/// True when nothing of this attempt runs or will run; a deleted run has ended, too.
[[nodiscard]] bool is_ended(RunState state);

/// True when it has ended otherwise than well; a deleted run is nobody's trouble any more.
[[nodiscard]] bool ended_badly(RunState state);

}  // namespace workflow::fsm
