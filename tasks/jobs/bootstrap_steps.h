#pragma once

#include <optional>

#include "common/clock.h"
#include "common/error.h"
#include "common/tree_list.h"
#include "tasks/jobs/job_plan.h"
#include "tasks/jobs/job_record.h"

namespace workflow::tasks {

/// A step that did not end well; `what` has its name, its exit code and the end of its log.
class StepFailed : public Error {
 public:
  StepFailed(std::string what, std::string hint, int exit_code)
      : Error(Code::work_failed, std::move(what), std::move(hint)), exit_code_(exit_code) {}
  /// Its own, or 128 and its signal.
  [[nodiscard]] int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

/// What is known of the files that steps depend on: their hash, or nothing.
[[nodiscard]] std::optional<std::string> step_inputs(const JobPlan& plan, const TreeList& shipped);

/// Runs a job's bootstrap steps in order in its working directory, each with its own log. A step
/// that has ended well here before with the same text and inputs is skipped, as long as none before
/// it was run; `.workflow/bootstrap.jsonl` in the workspace remembers. StepFailed for the first
/// that fails.
void run_bootstrap(Files& files, const Clock& clock, const JobPlan& plan,
                   const std::optional<std::string>& inputs, JobRecord& record);

}  // namespace workflow::tasks
