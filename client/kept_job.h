#pragma once

#include <cstdint>
#include <string>

#include "client/session.h"
#include "common/mask.h"

// What stays here of a job whose machine is given back.
namespace workflow::client {

/// `XDG_STATE_HOME/workflow/jobs/ID`, beside the ledger that knows the job: the directory of its
/// task, with its log and its steps' logs.
[[nodiscard]] fs::path kept_job_dir(const std::string& id);

/// Brings the directory of a job's task there. Nothing is done where there is none on the target.
void keep_job(Session& session, const std::string& task_dir, const fs::path& dir);

/// The log that was kept, from a byte on, as `log` events without the mask's values; false when
/// none was.
bool tell_kept_log(const fs::path& dir, const std::string& id, std::int64_t offset, Mask mask,
                   const OnEvent& on_event);

}  // namespace workflow::client
