#include "fsm/run_machine.h"

#include "fsm/machine.h"
#include "fsm/proofs.h"

namespace workflow::fsm {
namespace {

struct RunMachine {
  using State = RunState;
  using Event = RunEvent;
  using enum RunState;
  using enum RunEvent;
  static constexpr State initial = pending;

  // clang-format off
  static constexpr auto states = std::to_array<Name<State>>({
      {pending,   "pending"},
      {running,   "running"},
      {success,   "success"},
      {failed,    "failed"},
      {timed_out, "timed_out"},
      {cancelled, "cancelled"},
      {stopped,   "stopped"},
      {lost,      "lost"},
      {deleted,   "deleted"},
  });

  static constexpr auto events = std::to_array<Name<Event>>({
      {start,    "start"},
      {put_back, "put_back"},
      {exit_ok,  "exit_ok"},
      {exit_bad, "exit_bad"},
      {time_out, "time_out"},
      {cancel,   "cancel"},
      {stop,     "stop"},
      {vanish,   "vanish"},
      {retry,    "retry"},
      {remove,   "remove"},
  });

  static constexpr auto rows = std::to_array<Row<State, Event>>({
      // from     on        to
      {pending,   start,    running},
      {pending,   exit_bad, failed},     // it could not be started
      {pending,   cancel,   cancelled},
      {pending,   stop,     stopped},
      {pending,   vanish,   lost},
      {running,   put_back, pending},
      {running,   exit_ok,  success},
      {running,   exit_bad, failed},
      {running,   time_out, timed_out},
      {running,   cancel,   cancelled},
      {running,   stop,     stopped},
      {running,   vanish,   lost},
      {failed,    retry,    pending},
      {timed_out, retry,    pending},
      {cancelled, retry,    pending},
      {stopped,   retry,    pending},
      {lost,      retry,    pending},
      {success,   remove,   deleted},
      {failed,    remove,   deleted},
      {timed_out, remove,   deleted},
      {cancelled, remove,   deleted},
      {stopped,   remove,   deleted},
      {lost,      remove,   deleted},
  });
  // clang-format on

  static constexpr bool is_final(State state) { return state == deleted; }
  static constexpr bool is_rest(State state) { return is_final(state); }
  static constexpr bool by_person(Event event) {
    return event == cancel || event == stop || event == retry || event == remove;
  }
  static constexpr bool is_escape(Event) { return false; }
};
static_assert(proved<RunMachine>());

constexpr auto states = values_of(RunMachine::states);

}  // namespace

std::string_view name(RunState state) { return name_in(RunMachine::states, state); }
std::string_view name(RunEvent event) { return name_in(RunMachine::events, event); }

std::optional<RunState> run_state_from(std::string_view text) {
  return value_in(RunMachine::states, text);
}

std::span<const RunState> all_run_states() { return states; }

std::optional<RunState> next(RunState from, RunEvent on) { return next_in<RunMachine>(from, on); }

std::optional<RunEvent> event_between(RunState from, RunState to) {
  for (const auto& row : RunMachine::rows) {
    if (row.from == from && row.to == to) return row.on;
  }
  return std::nullopt;
}

bool is_ended(RunState state) { return state != RunState::pending && state != RunState::running; }

bool ended_badly(RunState state) {
  return is_ended(state) && state != RunState::success && state != RunState::deleted;
}

}  // namespace workflow::fsm
