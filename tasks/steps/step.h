#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/subprocess.h"
#include "tasks/site.h"

// bootstrap and checkout: tracked tasks that run in the agent itself. The step process prints what
// it does, leaves what it found in result.json, and its supervisor moves the state.
namespace workflow::tasks {

/// What a step is made of while it runs.
class Step {
 public:
  Step(const Site& site, fs::path task_dir) : site_(site), task_dir_(std::move(task_dir)) {}

  [[nodiscard]] const Site& site() const { return site_; }
  [[nodiscard]] const fs::path& task_dir() const { return task_dir_; }

  /// A line in the step's log.
  void say(const std::string& text) const;
  /// Runs a program with its output in the log; Error(work_failed) when it does not exit with 0.
  void run(const std::vector<std::string>& argv, const fs::path& workdir = {},
           const std::vector<std::string>& env = {}) const;
  /// The same, with the answer in place of an error.
  [[nodiscard]] bool try_run(const std::vector<std::string>& argv, const fs::path& workdir = {},
                             const std::vector<std::string>& env = {}) const;
  /// Runs a program and waits for what it prints.
  [[nodiscard]] Captured probe(const std::vector<std::string>& argv,
                               const fs::path& workdir = {}) const;
  /// What a program prints on stdout, without a final newline; nothing when it fails.
  [[nodiscard]] std::optional<std::string> ask(const std::vector<std::string>& argv,
                                               const fs::path& workdir = {}) const;

  /// Leaves what the state record keeps (`claims`) and the line people are shown.
  void found(const Json& claims, const std::string& summary) const;

 private:
  const Site& site_;
  fs::path task_dir_;
};

/// Writes REMOTE_ENV_PATH for the user's own scripts: 0600, no secrets; we never read it back.
void write_remote_env(const Step& step);

void bootstrap(const Step& step);
void checkout(const Step& step);

/// The settings that make two runs of a step the same; their hash is recorded.
[[nodiscard]] std::string step_inputs_sha256(const Site& site, fsm::Event step);

/// Runs the step of a task directory in this process; the agent's verb `step`. Returns its exit
/// code; the reason of a failure is the last line of the log.
int run_step(Files& files, const Clock& clock, const fs::path& task_dir);

/// What a step that has ended left for the state record.
[[nodiscard]] Json step_claims(Files& files, const fs::path& task_dir);
/// The line it left for people; empty for none.
[[nodiscard]] std::string step_summary(Files& files, const fs::path& task_dir);

struct StepStart {
  std::string task_id;
  bool created = true;               ///< false: the same step was going, we came to watch it
  std::vector<std::string> notes{};  ///< what the keeper corrected
};

/// Gate, lease, task and supervisor, under the state's lock: all of it or nothing. With `again` the
/// step that the same request (Ask::token) has started before is watched, also when it has ended.
StepStart start_step(const Site& site, fsm::Event step, const Ask& ask,
                     const std::function<Evidence(const StateRecord&)>& look,
                     const std::vector<std::string>& secrets, bool again);

/// Called when a step's task has ended: moves the state or lets go of the lease.
void settle_step(Files& files, const Clock& clock, const fs::path& task_dir, const TaskSpec& spec,
                 const TaskRecord& record);

}  // namespace workflow::tasks
