#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "fsm/run_machine.h"

// What an operation on a run means in each state of that run. Pure; the tables are in op_rules.cpp.
namespace workflow::sweep {

/// What somebody may ask of a live campaign. The names are those of the commands.
enum class OpKind { run_stop, run_resume, run_clone, run_delete, sweep_apply };

/// `pending → processing → completed | skipped | failed`; `superseded`: a later one made it
/// pointless before its turn came.
enum class OpState { pending, processing, completed, skipped, failed, superseded };

[[nodiscard]] std::string_view name(OpKind kind);
[[nodiscard]] std::string_view name(OpState state);
[[nodiscard]] std::optional<OpKind> op_kind_from(std::string_view text);
[[nodiscard]] std::optional<OpState> op_state_from(std::string_view text);

/// Nothing more will become of the operation.
[[nodiscard]] bool is_over(OpState state);

/// What is to be done next to a run in some state.
enum class OpStep {
  end,      ///< end the run, then look again
  again,    ///< its turn comes once more
  add,      ///< a new row with its values
  remove,   ///< to _trash
  nothing,  ///< what is asked for is so already: skipped
  refuse,   ///< what is asked for cannot be: skipped
};

/// A cell of the table; `why` is told when nothing is done.
struct OpRule {
  OpStep step = OpStep::refuse;
  std::string_view why{};
};

/// What an operation on a run does to it in a state; sweep_apply is about no single run.
[[nodiscard]] OpRule op_rule(OpKind kind, fsm::RunState run);

/// Whether a waiting operation has become pointless by a later one on the same run (sweep_apply:
/// on the same campaign).
[[nodiscard]] bool supersedes(OpKind later, OpKind earlier);

}  // namespace workflow::sweep
