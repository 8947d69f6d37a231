#pragma once
// Paths through the workflow machine and the words of a refusal; both are computed from the table.

#include <optional>
#include <string>
#include <vector>

#include "fsm/workflow_machine.h"

namespace workflow::fsm {

/// The fewest commands that lead from one state to another, ties in table order; empty when there
/// is nothing to do, nothing when no command leads there. Never uses `fsm-reset`. Where there is
/// no pod yet, the first step is `pod-status` if a target is bound and `pod-up` if not.
/// `sweep-watch` stands for waiting until every row has ended.
[[nodiscard]] std::optional<std::vector<Event>> shortest_path(State from, State to,
                                                              bool target_bound);

/// A command that is not legal: what was found, where it would be legal, and the shortest path of
/// commands up to and including itself (empty when there is none, and for observations).
struct Refusal {
  State state;
  Event command;
  std::vector<State> legal_in;
  std::vector<Event> path;
};

/// Describes why `next(state, command)` is nothing.
[[nodiscard]] Refusal refuse(State state, Event command, bool target_bound);

/// One line: `'checkout' is not legal in POD_READY; it is in BOOTSTRAPPED, …`.
[[nodiscard]] std::string refusal_text(const Refusal& refusal);

/// One line: `path: bootstrap → checkout`, with the `workflow advance` that does the same where
/// there is one; empty when there is no path.
[[nodiscard]] std::string refusal_hint(const Refusal& refusal);

}  // namespace workflow::fsm
