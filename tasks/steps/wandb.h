#pragma once

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// Runs WANDB_SETUP_SCRIPT where SWEEP_WANDB or RUN_WANDB_SETUP asks for it, and warns when runs
/// would find no login afterwards. Error(precondition) when the script is not there.
void set_up_wandb(const Step& step);

}  // namespace workflow::tasks
