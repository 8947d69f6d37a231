#pragma once

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// Looks for DATA_REQUIRED_GLOB in DATA_DIR, and runs DATA_DOWNLOAD_CMD there when it is missing;
/// Error(precondition) when it is missing still.
void ensure_data(const Step& step);

}  // namespace workflow::tasks
