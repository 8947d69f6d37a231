#pragma once
// The workflow machine: one state per target, moved by commands and by what is observed there.
// The table itself is in workflow_table.h; here is what the gate, the help and the error texts
// ask of it. Names are those of the command line and of the state record.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace workflow::fsm {

/// How far a target has come.
enum class State {
  init,
  pod_ready,
  bootstrapped,
  checked_out,
  sweep_running,
  sweep_stalled,
  sweep_completed,
  pod_terminated,
};

/// What a person asks for (a command) or what is seen on the target (an observation), in the
/// order of the table: where two paths are equally long, the earlier one is shown.
enum class Event {
  pod_up,
  pod_status,
  pod_wait,
  bootstrap,
  checkout,
  sweep_start,
  all_rows_ended,
  executor_gone,
  breaker_open,
  executor_back,
  sweep_stop,
  run_stop,
  run_delete,
  run_resume,
  run_clone,
  sweep_apply,
  task_run,
  exec,
  push,
  job_start,
  job_run,
  pod_down,
  fsm_reset,
  fsm_status,
  fsm_log,
  fsm_graph,
  plan,
  task_status,
  task_list,
  task_logs,
  task_wait,
  sweep_status,
  sweep_watch,
  sweep_results,
  run_logs,
  why,
  fetch_run,
  fetch_all,
};

/// `CHECKED_OUT`: the name in the state record and on the command line.
[[nodiscard]] std::string_view name(State state);

/// `sweep-start`: the name of the command or observation.
[[nodiscard]] std::string_view name(Event event);

/// The state of that name (exact case); nothing for an unknown one.
[[nodiscard]] std::optional<State> state_from(std::string_view text);

/// The command or observation of that name; nothing for one the machine does not know.
[[nodiscard]] std::optional<Event> event_from(std::string_view text);

/// False for observations, which nobody can ask for.
[[nodiscard]] bool is_command(Event event);

/// True for commands that are legal everywhere and never change the state.
[[nodiscard]] bool is_reader(Event event);

/// Every state, in the order of the course of things.
[[nodiscard]] std::span<const State> all_states();

/// Every command and observation, in the order of the table.
[[nodiscard]] std::span<const Event> all_events();

/// Where the event leads from there; nothing when it is not legal. `fsm_reset` gives INIT, its
/// default; the state it is given instead needs no machine.
[[nodiscard]] std::optional<State> next(State from, Event on);

/// The states in which the event is legal.
[[nodiscard]] std::vector<State> legal_in(Event event);

/// Whether `legal_commands` lists the readers, too.
enum class Readers { left_out, included };

/// The commands that are legal in a state, in the order of the table.
[[nodiscard]] std::vector<Event> legal_commands(State state, Readers readers = Readers::left_out);

}  // namespace workflow::fsm
