#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <workflow/gpu_query.h>
#include <workflow/job_error.h>
#include <workflow/log_lines.h>

// A command on another machine, from C++: what `workflow job-run` does, in its parts. Everything
// that cannot go on throws JobError. One object belongs to one thread at a time.
// A SIGPIPE that would end the program is ignored from the first use on.
namespace workflow {

/// A command that makes the workspace ready; skipped where it has ended well before with the same
/// shipped files.
struct BootstrapStep {
  std::string name;
  std::string run;  ///< text for bash
};

class JobHandle;
class JobContext;

/// What is to be run, and where.
struct RemoteJob {
  // The machine: exactly one.
  std::optional<std::string> ssh{};      ///< `HOST`, `user@host`, `user@host:port`
  std::optional<std::string> node_id{};  ///< `PROVIDER:ID`
  std::optional<GpuQuery> provision{};   ///< rented for this job, and given back
  std::optional<std::string> target{};   ///< as WF_TARGET has it: `local`, `ssh:ALIAS` …

  bool push = true;  ///< ship the tree of this machine that belongs to the settings
  std::string workspace = "~/.workflow/workspace";
  std::vector<BootstrapStep> bootstrap{};
  std::string command{};                     ///< text for bash …
  std::vector<std::string> argv{};           ///< … or a program and its words
  std::string working_dir = ".";             ///< below the workspace
  std::map<std::string, std::string> env{};  ///< kept in the job's record
  std::vector<std::string> secrets{};        ///< names of variables of this process
  std::chrono::seconds timeout{7200};        ///< of bootstrap and command together; 0: none
  std::string id{};                          ///< made up when empty; the same id comes back to it
  bool keep_alive = false;                   ///< a rented machine is not given back
  std::optional<std::chrono::seconds> max_time{};  ///< a rented machine ends after so long
  std::optional<double> max_cost{};                ///< or when it has cost so much, USD
  std::string image{};                             ///< container image of a rented machine

  /// workflow.env; empty: searched for as the program does.
  std::string config{};
  /// Told of what happens, for people: lost connections, what still costs. Empty: to stderr.
  std::function<void(std::string_view)> on_remark{};

  /// Starts it; the context cleans up when it goes.
  [[nodiscard]] JobContext run() const;
  /// Starts it and leaves it alone: nothing is ended or given back by itself.
  [[nodiscard]] JobHandle start() const;
};

/// A job that was started, wherever it runs. The target keeps all that is known of it, so that
/// another process may come back to it by its id.
class JobHandle {
 public:
  /// A job that is there; without a target where this user's record says it is.
  [[nodiscard]] static JobHandle attach(const std::string& job_id, const std::string& target = {},
                                        const std::string& config = {});

  ~JobHandle();
  JobHandle(JobHandle&&) noexcept;
  JobHandle& operator=(JobHandle&&) noexcept;

  [[nodiscard]] std::string job_id() const;
  [[nodiscard]] std::string target() const;
  [[nodiscard]] std::string session_name() const;    ///< of tmux; empty: there is none
  [[nodiscard]] std::string attach_command() const;  ///< on the target
  [[nodiscard]] std::string log_file() const;        ///< on the target
  [[nodiscard]] std::string state() const;           ///< as it was heard of last
  /// Of a machine that was rented for it: its id and what it has cost so far, in USD.
  [[nodiscard]] std::optional<std::string> rented_pod() const;
  [[nodiscard]] double cost() const;

  /// Its output from the beginning, line by line, while it runs.
  [[nodiscard]] LogLines logs();
  /// Its output byte for byte until it ends; false from `on_bytes` stops listening.
  void logs(const std::function<bool(std::string_view bytes)>& on_bytes);
  /// Waits for its end and returns its exit code: its own, 128+signal, 124 when it ran out of
  /// time, 4 when it is lost. JobError(124) when `limit` is over first; the job goes on.
  int wait(std::optional<std::chrono::seconds> limit = {});
  /// Fetches from its workspace, also while it runs and after it failed. A directory becomes
  /// `local`; a file becomes `local`, or goes into it where that is a directory.
  void download(const std::string& remote, const std::string& local);
  /// Ends its processes, waits until they have ended, and gives a machine back that was rented for
  /// it.
  void terminate();

 private:
  friend struct RemoteJob;
  friend class JobContext;
  class State;
  explicit JobHandle(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A started job that is cleaned up: when this goes, by whatever way, its processes are ended and a
/// machine that was rented for it is given back, unless it is kept alive. That never throws; what
/// could not be done is told to on_remark.
class JobContext {
 public:
  explicit JobContext(JobHandle handle);
  ~JobContext();
  JobContext(JobContext&&) noexcept;
  JobContext& operator=(JobContext&&) = delete;

  [[nodiscard]] JobHandle& operator*() { return *handle_; }
  [[nodiscard]] JobHandle* operator->() { return &*handle_; }
  /// From now on nothing is cleaned up: the job goes on without us.
  [[nodiscard]] JobHandle release();

 private:
  std::optional<JobHandle> handle_;
};

}  // namespace workflow
