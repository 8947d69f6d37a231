#pragma once

#include "tasks/evidence.h"

// An executor that is at work, or may be, while somebody wants to start or to stop a sweep.
namespace workflow::sweep {

/// One that lives under a state that was set by hand, or that may live where we cannot look, would
/// start the same rows as the sweep that is asked for, or as the stalled one that would go on:
/// Error(busy) or Error(unreachable). `state` is what the evidence supports.
void require_no_executor(const tasks::StateRecord& record, fsm::State state,
                         const tasks::Evidence& evidence);

/// Error(unreachable) when the executor may live where no signal of ours gets to it.
void require_reach(const tasks::StateRecord& record, const tasks::Evidence& evidence);

}  // namespace workflow::sweep
