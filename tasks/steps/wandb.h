#pragma once

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// Runs WANDB_SETUP_SCRIPT where SWEEP_WANDB or RUN_WANDB_SETUP asks for it, and warns when runs
/// would find no login afterwards. Error(precondition) when the script is not there.
void set_up_wandb(const Step& step);

/// Whether ~/.netrc has a login for W&B's host, or for that of WANDB_BASE_URL.
[[nodiscard]] bool wandb_login_in_netrc(Files& files);

}  // namespace workflow::tasks
