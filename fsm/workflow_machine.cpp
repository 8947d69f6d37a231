#include "fsm/workflow_machine.h"

#include "fsm/proofs.h"
#include "fsm/workflow_table.h"

namespace workflow::fsm {

using table::WorkflowMachine;
static_assert(proved<WorkflowMachine>());

namespace {
constexpr auto states = values_of(table::state_names);
constexpr auto events = values_of(table::event_names);
}  // namespace

std::string_view name(State state) { return name_in(table::state_names, state); }
std::string_view name(Event event) { return name_in(table::event_names, event); }

std::optional<State> state_from(std::string_view text) {
  return value_in(table::state_names, text);
}
std::optional<Event> event_from(std::string_view text) {
  return value_in(table::event_names, text);
}

bool is_command(Event event) { return !table::observations.has(event); }
bool is_reader(Event event) { return table::readers.has(event); }

std::span<const State> all_states() { return states; }
std::span<const Event> all_events() { return events; }

std::optional<State> next(State from, Event on) { return next_in<WorkflowMachine>(from, on); }

std::vector<State> legal_in(Event event) {
  std::vector<State> legal;
  for (const State state : states)
    if (next(state, event)) legal.push_back(state);
  return legal;
}

std::vector<Event> legal_commands(State state, Readers readers) {
  std::vector<Event> legal;
  for (const Event event : events) {
    if (!is_command(event) || !next(state, event)) continue;
    if (readers == Readers::included || !is_reader(event)) legal.push_back(event);
  }
  return legal;
}

}  // namespace workflow::fsm
