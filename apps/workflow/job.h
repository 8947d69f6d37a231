#pragma once

#include <memory>

#include "apps/workflow/command.h"
#include "client/tracked_job.h"

// The job-* commands; job.cpp holds the table.
namespace workflow::app {

/// From a machine to results in one call: acquire, ship, start, follow, fetch, give back.
Outcome job_run(Context& context);
/// The same as far as the start.
Outcome job_start(Context& context);
Outcome job_list(Context& context);
Outcome job_logs(Context& context);
Outcome job_wait(Context& context);
Outcome job_download(Context& context);
Outcome job_terminate(Context& context);

/// The spec that the flags of job-run and job-start describe.
[[nodiscard]] client::JobSpec job_spec(Context& context);
/// The target that --target, --ssh or --node of a command on a job name; empty when none does.
[[nodiscard]] std::string asked_target(const Context& context);

/// Who rents for jobs, by the settings.
[[nodiscard]] std::unique_ptr<client::JobRenter> job_renter(Context& context);
/// What a job's client needs of this invocation; its events are printed.
[[nodiscard]] client::TrackedJob::Desk job_desk(Context& context, client::JobRenter* renter);
/// A job by the id and the target of the command line.
void open_job(Context& context, client::TrackedJob& job);
/// --give-back=always, or when everything is here.
[[nodiscard]] client::GiveBack give_back_when(const Context& context);

}  // namespace workflow::app
