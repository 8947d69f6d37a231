#pragma once

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// Looks for DATA_REQUIRED_GLOB in DATA_DIR (every pattern of it must match a file that is not
/// empty): Error(precondition) when it is missing and nothing is set that would bring it.
void check_data(const Step& step);

/// Runs DATA_DOWNLOAD_CMD, or FineWeb's where DOWNLOAD_FINEWEB=1, when data is missing; on a local
/// disk first where DATA_DIR lies on FUSE (s3fs), and then over by whole files. Error(precondition)
/// when it is missing still.
void ensure_data(const Step& step, const std::vector<std::string>& env);

}  // namespace workflow::tasks
