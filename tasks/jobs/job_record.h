#pragma once

#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "common/files.h"
#include "common/spawn.h"
#include "tasks/jobs/job_plan.h"

namespace workflow::tasks {

/// What a job's process is at before it becomes the command.
enum class JobPhase { deploying, bootstrapping, running };

/// `job.json` in a job's task directory (schema workflow.job/1): how far its beginning has come.
/// Every change is on the disk when the call returns. Not for several threads.
class JobRecord {
 public:
  JobRecord(Files& files, const Clock& clock, fs::path dir, const std::string& job_id,
            const JobPlan& plan);

  void enter(JobPhase phase);
  void step_began(std::size_t index);
  void step_skipped(std::size_t index);
  void step_ended(std::size_t index, const ExitStatus& status);
  /// Why the command was never begun.
  void failed(const Error& fault);

  /// The log of a step, `bootstrap-1-NAME.log`.
  [[nodiscard]] fs::path log(std::size_t index) const;

 private:
  void write();
  [[nodiscard]] Json& step(std::size_t index) { return json_["steps"][index]; }

  Files& files_;
  const Clock& clock_;
  fs::path dir_;
  Json json_;
};

/// job.json of a task directory; null where there is none yet.
[[nodiscard]] Json read_job_record(Files& files, const fs::path& dir);

/// Why a job's command was never begun, in a line for people; empty when it was.
[[nodiscard]] std::string job_failure(Files& files, const fs::path& dir);

}  // namespace workflow::tasks
