#pragma once

#include <optional>

#include "common/clock.h"
#include "common/tree_list.h"
#include "tasks/jobs/job_plan.h"
#include "tasks/jobs/job_record.h"

namespace workflow::tasks {

/// What is known of the files that steps depend on: their hash, or nothing.
[[nodiscard]] std::optional<std::string> step_inputs(const JobPlan& plan, const TreeList& shipped);

/// Runs a job's bootstrap steps in order in its working directory, each with its own log. A step
/// that has ended well here before with the same text and inputs is skipped, as long as none before
/// it was run; `.workflow/bootstrap.jsonl` in the workspace remembers. Error(work_failed) that
/// names the step, its exit code and the end of its log; `exit_code` then is the step's.
void run_bootstrap(Files& files, const Clock& clock, const JobPlan& plan,
                   const std::optional<std::string>& inputs, JobRecord& record, int& exit_code);

}  // namespace workflow::tasks
