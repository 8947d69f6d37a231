#pragma once

#include <functional>
#include <optional>
#include <string>

#include "client/job_spec.h"
#include "client/session.h"
#include "common/json.h"

// What can be asked of a job at its target, wherever one asks from: the target holds all that is
// known of it. A job's id is that of its task. What it costs and who rented it: job_run.h.
namespace workflow::client {

/// The job of this spec where it is there already, by its id; nothing when it is not. Nothing is
/// shipped and nothing started. Error(exists) when another job has the id.
[[nodiscard]] std::optional<Json> job_find(Session& session, const JobSpec& spec);

/// Ships the tree and starts the job, or attaches to the same one. `on_event` is told `pushed`.
/// Returns the job (job_status) with `created` and `notes[]`.
[[nodiscard]] Json job_start(Session& session, const JobSpec& spec, const OnEvent& on_event);

/// task-status's fields, `task_dir`, `attach`, `attach_argv`, `workspace_base64` and `job`: its
/// job.json with `phase` and `steps[]`.
[[nodiscard]] Json job_status(Session& session, const std::string& id);

/// Every job of a target: `jobs[]` of the same.
[[nodiscard]] Json job_list(Session& session);

/// Which job is followed, from which byte of its log, and for how long.
struct JobFollow {
  std::string id;
  std::optional<std::int64_t> offset{};  ///< without one only the end is waited for
  std::optional<std::int64_t> limit_secs{};
  bool beginning = false;  ///< all that the bootstrap steps have said; else what they say from now
};
/// Follows a job to its end, over lost connections: `log` events are its bytes, `job`,
/// `step` and `step_log` what comes before it begins. Error(wait_timeout) when the limit runs out
/// first.
[[nodiscard]] Json job_follow(Session& session, const JobFollow& follow, const OnEvent& on_event);

/// Brings a path of the job's workspace here, by the rules of download.h; a relative local path is
/// of the working directory. Returns what download() does.
[[nodiscard]] Json job_download(Session& session, const Json& job, const JobDownload& wanted,
                                const OnEvent& on_event);

/// The exit code of an ended task as `--exit-code=remote` has it: its own, 128+signal, 124 when it
/// ran out of time, 4 when it is lost.
[[nodiscard]] int remote_exit_code(const Json& task);

/// Whether a job has ended.
[[nodiscard]] bool has_ended(const Json& job);

}  // namespace workflow::client
