#include "fsm/planner.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "fsm/workflow_table.h"

namespace workflow::fsm {
namespace {

using Step = Row<State, Event>;

// What a person would do to get on. The rows of a running sweep end by themselves, so to watch it
// is a step; and work makes a pod ready in passing, but nobody runs a task in order to have a pod.
std::optional<Step> as_step(Step row, Event makes_ready) {
  if (row.on == Event::sweep_watch && row.from == State::sweep_running)
    row.to = next(row.from, Event::all_rows_ended).value_or(row.to);
  if (!is_command(row.on) || row.on == Event::fsm_reset || row.from == row.to) return std::nullopt;
  if (row.to == State::pod_ready && table::absent.has(row.from) && row.on != makes_ready)
    return std::nullopt;
  return row;
}

std::size_t index(State state) { return static_cast<std::size_t>(state); }

// Breadth first, rows in table order: of the shortest paths this finds the first in that order.
template <class Goal>
std::optional<std::vector<Event>> search(State start, Goal is_goal, bool target_bound) {
  struct Visit {
    State state;
    std::size_t before;
    Event by;
  };
  std::vector<Visit> visits{{start, 0, Event{}}};
  std::array<bool, table::state_names.size()> seen{};
  seen[index(start)] = true;

  for (std::size_t at = 0; at < visits.size(); ++at) {
    const State here = visits[at].state;
    if (is_goal(here)) {
      std::vector<Event> path;
      for (std::size_t i = at; i != 0; i = visits[i].before) path.push_back(visits[i].by);
      std::reverse(path.begin(), path.end());
      return path;
    }
    // After a pod-down on the way the bound target is gone; only a new pod answers.
    const Event makes_ready = at == 0 && target_bound ? Event::pod_status : Event::pod_up;
    for (const auto& row : table::WorkflowMachine::rows) {
      const auto step = row.from == here ? as_step(row, makes_ready) : std::nullopt;
      if (!step || seen[index(step->to)]) continue;
      seen[index(step->to)] = true;
      visits.push_back({step->to, at, step->on});
    }
  }
  return std::nullopt;
}

template <class T>
std::string join(const std::vector<T>& values, std::string_view separator) {
  std::string text;
  for (const T value : values) {
    if (!text.empty()) text += separator;
    text += name(value);
  }
  return text;
}

// The state for which `workflow advance` would run exactly this path.
std::optional<State> advance_target(const Refusal& refusal) {
  const bool target_bound = refusal.path.front() == Event::pod_status;
  for (const State to : all_states())
    if (shortest_path(refusal.state, to, target_bound) == refusal.path) return to;
  return std::nullopt;
}

std::string all_of_them(std::size_t count) {
  if (count == 2) return "both";
  if (count == 3) return "all three";
  return "all " + std::to_string(count);
}

}  // namespace

std::optional<std::vector<Event>> shortest_path(State from, State to, bool target_bound) {
  return search(
      from, [to](State state) { return state == to; }, target_bound);
}

Refusal refuse(State state, Event command, bool target_bound) {
  Refusal refusal{state, command, legal_in(command), {}};
  if (!is_command(command)) return refusal;
  const auto is_legal = [command](State there) { return next(there, command).has_value(); };
  if (auto path = search(state, is_legal, target_bound)) {
    refusal.path = std::move(*path);
    refusal.path.push_back(command);
  }
  return refusal;
}

std::string refusal_text(const Refusal& refusal) {
  return "'" + std::string(name(refusal.command)) + "' is not legal in " +
         std::string(name(refusal.state)) + "; it is in " + join(refusal.legal_in, ", ");
}

std::string refusal_hint(const Refusal& refusal) {
  if (refusal.path.empty()) return {};
  std::string hint = "path: " + join(refusal.path, " → ");
  if (refusal.path.size() == 1) return hint;
  if (const auto to = advance_target(refusal))
    hint += "      (workflow advance " + std::string(name(*to)) + " does " +
            all_of_them(refusal.path.size()) + ")";
  return hint;
}

}  // namespace workflow::fsm
