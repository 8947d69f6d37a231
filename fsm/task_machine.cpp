#include "fsm/task_machine.h"

#include "fsm/machine.h"
#include "fsm/proofs.h"

namespace workflow::fsm {
namespace {

struct TaskMachine {
  using State = TaskState;
  using Event = TaskEvent;
  using enum TaskState;
  using enum TaskEvent;
  static constexpr State initial = pending;

  // clang-format off
  static constexpr auto states = std::to_array<Name<State>>({
      {pending,   "pending"},
      {running,   "running"},
      {success,   "success"},
      {failed,    "failed"},
      {timed_out, "timed_out"},
      {cancelled, "cancelled"},
      {lost,      "lost"},
  });

  static constexpr auto events = std::to_array<Name<Event>>({
      {start,    "start"},
      {exit_ok,  "exit_ok"},
      {exit_bad, "exit_bad"},
      {time_out, "time_out"},
      {cancel,   "cancel"},
      {vanish,   "vanish"},
  });

  static constexpr auto rows = std::to_array<Row<State, Event>>({
      // from   on        to
      {pending, start,    running},
      {pending, exit_bad, failed},     // it could not be started
      {pending, cancel,   cancelled},
      {pending, vanish,   lost},
      {running, exit_ok,  success},
      {running, exit_bad, failed},
      {running, time_out, timed_out},
      {running, cancel,   cancelled},
      {running, vanish,   lost},
  });
  // clang-format on

  static constexpr bool is_final(State state) { return state != pending && state != running; }
  static constexpr bool is_rest(State state) { return is_final(state); }
  static constexpr bool by_person(Event event) { return event == cancel; }
  static constexpr bool is_escape(Event) { return false; }
};
static_assert(proved<TaskMachine>());

constexpr auto states = values_of(TaskMachine::states);

}  // namespace

std::string_view name(TaskState state) { return name_in(TaskMachine::states, state); }
std::string_view name(TaskEvent event) { return name_in(TaskMachine::events, event); }

std::optional<TaskState> task_state_from(std::string_view text) {
  return value_in(TaskMachine::states, text);
}

std::span<const TaskState> all_task_states() { return states; }

std::optional<TaskState> next(TaskState from, TaskEvent on) {
  return next_in<TaskMachine>(from, on);
}

bool is_ended(TaskState state) { return TaskMachine::is_final(state); }

}  // namespace workflow::fsm
