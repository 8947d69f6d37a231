#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "sweep/manifest.h"
#include "tasks/site.h"

namespace workflow::sweep {

/// With SWEEP_WANDB=1, why the rows could not log to W&B, found before the first of them runs: no
/// login (WANDB_API_KEY among `secrets` (`K=V`), in the environment or the row's, ~/.netrc, offline
/// mode), or a virtual environment that cannot import wandb. Error(precondition) to throw; nothing
/// where they can, and where nothing proves that they cannot. Takes as long as python's import.
[[nodiscard]] std::optional<Error> wandb_fault(const tasks::Site& site,
                                               const std::vector<Row>& rows,
                                               const std::vector<std::string>& secrets);

/// WF_SECRETS as a plan knows them, which is made without their values: `NAME=?` each.
[[nodiscard]] std::vector<std::string> named_secrets(const tasks::Site& site);

}  // namespace workflow::sweep
