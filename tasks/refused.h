#pragma once

#include "common/error.h"
#include "fsm/workflow_machine.h"

namespace workflow::tasks {

/// The table's refusal as an error: code illegal_state, with `state`, `legal_in[]` and `path[]` in
/// its details. `bound`: there is a target; without one the path begins with pod-up.
[[nodiscard]] Error illegal(fsm::State state, fsm::Event event, bool bound = true);

}  // namespace workflow::tasks
