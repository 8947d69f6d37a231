#pragma once

#include "common/files.h"

namespace workflow::pods {

/// The executable `workflow`, for what has to live on in a process of its own: this process where
/// it is it, else WORKFLOW_PROGRAM, else `workflow` on the PATH. Error(precondition) when there is
/// none.
[[nodiscard]] fs::path own_program();

/// An executable on the PATH, or in the directories where administrators' programs are; empty when
/// there is none.
[[nodiscard]] fs::path find_executable(const std::string& name);

}  // namespace workflow::pods
