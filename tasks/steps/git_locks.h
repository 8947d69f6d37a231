#pragma once

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// Removes the lock files of a git that was killed, which would refuse every other git for ever;
/// while a git is at work in the repository, none. Each is told in the step's log.
void clear_dead_locks(const Step& step, const fs::path& repo);

}  // namespace workflow::tasks
