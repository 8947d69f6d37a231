#pragma once

#include <functional>

#include "common/clock.h"
#include "common/files.h"
#include "tasks/record.h"

namespace workflow::tasks {

/// In the job's own process: brings the shipped tree to the workspace, runs the bootstrap steps,
/// goes to the working directory and calls `become`, which does not return when it works. Nothing
/// of what comes before it enters stdout.log; job.json says how far it came, deploy.log and the
/// steps' logs what was said. Returns the exit code of a beginning that failed.
[[nodiscard]] int begin_job(Files& files, const Clock& clock, const fs::path& dir,
                            const TaskSpec& spec, const std::function<void()>& become);

}  // namespace workflow::tasks
