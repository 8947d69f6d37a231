#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/settings.h"
#include "remote/pods/query.h"

// A job as it is asked for: where, what is done before it, what is run, what comes back.
namespace workflow::client {

/// A named command that makes the workspace ready, run by bash in the working directory.
struct JobStep {
  std::string name;
  std::string run;
};

/// What is brought to this machine when a job has ended. `remote` is as remote_path() spells it,
/// with a slash behind it where the user wrote one; the rules of download.h hold for both.
struct JobDownload {
  std::string remote;
  std::string local;
};

struct JobSpec {
  // The machine: exactly one.
  std::string target{};  ///< as WF_TARGET has it
  std::string ssh{};     ///< `HOST`, `user@host`, `user@host:port`
  std::string node{};    ///< `PROVIDER:ID`, a pod that is there
  std::optional<pods::GpuQuery> provision{};

  std::string id{};  ///< made up when empty
  bool push = true;  ///< ship this machine's tree to the workspace
  std::string workspace = "~/.workflow/workspace";
  std::vector<JobStep> bootstrap{};
  std::string bootstrap_inputs{};      ///< pattern of the shipped files that the steps depend on
  std::string command{};               ///< text for bash …
  std::vector<std::string> argv{};     ///< … or a program and its words
  std::vector<std::string> env{};      ///< `K=V`
  std::vector<std::string> secrets{};  ///< names of variables, beside those of WF_SECRETS
  std::string working_dir = ".";       ///< below the workspace
  std::string cache_dir{};  ///< where downloads outlive the job; a rented volume without it
  std::string gpus{};       ///< held for it, as task-run has it; empty: none
  std::int64_t timeout_secs = 7200;  ///< of bootstrap and command together; 0: none
  std::vector<JobDownload> downloads{};
  bool force = false;  ///< another job of this id is ended and moved aside

  // Of a machine that is rented for it.
  bool keep_alive = false;  ///< it is not given back at the end
  std::optional<std::int64_t> max_secs{};
  std::optional<double> max_cost{};
  std::string image{};
};

/// `NAME=CMD`, or `CMD`, which is then called `step-N`.
[[nodiscard]] JobStep parse_step(const std::string& text, std::size_t number);

/// `REMOTE:LOCAL`; the first colon counts. Error(usage) for a path that leaves the workspace.
[[nodiscard]] JobDownload parse_download(const std::string& text);

/// Error(usage) with every fault of the spec at once, before anything is done or paid for.
void check(const JobSpec& spec);

/// The target of a spec that rents nothing.
[[nodiscard]] std::string target_of(const JobSpec& spec);

/// The settings of a job at a target: its secrets added to WF_SECRETS.
[[nodiscard]] Settings job_settings(const Settings& settings, const std::string& target,
                                    const std::vector<std::string>& secrets = {});

/// A name that no other job has: of the program's name, the time and some hex digits.
[[nodiscard]] std::string new_job_id(const JobSpec& spec);

}  // namespace workflow::client
