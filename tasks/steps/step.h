#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/subprocess.h"
#include "tasks/site.h"

// What bootstrap and checkout do. They run in a process of their own (step_task.h), print what they
// do, and leave what they found in result.json.
namespace workflow::tasks {

/// Of what a program said the line that names its fault, else the last one, which may only be
/// advice.
[[nodiscard]] std::string deciding_line(const std::string& said);

/// What a step is made of while it runs.
class Step {
 public:
  Step(const Site& site, fs::path task_dir) : site_(site), task_dir_(std::move(task_dir)) {}

  [[nodiscard]] const Site& site() const { return site_; }
  [[nodiscard]] const fs::path& task_dir() const { return task_dir_; }

  /// A line in the step's log.
  void say(const std::string& text) const;
  /// The same, and whoever asked for the step is told when it has ended.
  void warn(const std::string& text) const;
  /// Runs a program with its output in the log; Error(work_failed) when it does not exit with 0.
  void run(const std::vector<std::string>& argv, const fs::path& workdir = {},
           const std::vector<std::string>& env = {}) const;
  /// The same, with the answer in place of an error.
  [[nodiscard]] bool try_run(const std::vector<std::string>& argv, const fs::path& workdir = {},
                             const std::vector<std::string>& env = {}) const;
  /// The end of what the last program that ran has said, and why it failed, in its own words.
  [[nodiscard]] std::string said() const;
  [[nodiscard]] std::string why() const { return deciding_line(said()); }
  /// Runs a program and waits for what it prints, two minutes at the most.
  [[nodiscard]] Captured probe(const std::vector<std::string>& argv, const fs::path& workdir = {},
                               const std::vector<std::string>& env = {}) const;
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

/// Finds the tools, installs what is missing where that was asked for, runs the user's scripts.
void bootstrap(const Step& step);
/// Brings the repository to the wanted commit, and makes its virtual environment and data.
void checkout(const Step& step);

/// The hash of BOOTSTRAP_SCRIPT's bytes; empty where there is none.
[[nodiscard]] std::string script_sha256(const Site& site);

/// The settings that make two runs of a step the same; their hash is recorded.
[[nodiscard]] std::string step_inputs_sha256(const Site& site, fsm::Event step);

}  // namespace workflow::tasks
