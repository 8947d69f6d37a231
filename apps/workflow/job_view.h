#pragma once

#include "apps/workflow/job.h"

namespace workflow::app {

/// Prints what a job says: its bytes on stdout, what comes before them on stderr.
[[nodiscard]] client::OnEvent job_printer(Output& out);

/// The outcome for a job that has ended: 0, 1, or with --exit-code=remote its own code; of a job
/// that went well the code of the first download that failed, or of the machine's return.
[[nodiscard]] Outcome ended_job(const Context& context, const client::TrackedJob& job);

/// What a Ctrl-C leaves behind, and how to come back and end it.
[[nodiscard]] Error detached_from(const client::TrackedJob& job);

/// `ID · TARGET · LOG · attach`, one line.
void show_where(Output& out, const client::TrackedJob& job);

/// The rows of job-list, newest first.
void show_jobs(Output& out, const Json& jobs);

}  // namespace workflow::app
