#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/json.h"
#include "common/subprocess.h"

// A user's corner of this machine for one test: a home, a workflow.env for target `local`, a tmux
// socket, and the built program. Everything it started is ended with it.
namespace workflow::test {

class Workspace {
 public:
  /// `settings` are lines added to workflow.env.
  explicit Workspace(const std::string& settings = {});
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /// Adds `K=V` to the environment of everything started from now on.
  void set(const std::string& entry) {
    extra_[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
  }
  /// Runs `workflow WORDS…` in the workspace and waits for its end.
  [[nodiscard]] Captured run(std::vector<std::string> words) const;
  /// The same with --json: the one document it printed.
  [[nodiscard]] Json json(std::vector<std::string> words) const;
  /// `data` of the same; fails the test when the command did.
  [[nodiscard]] Json data(std::vector<std::string> words) const;
  /// Starts `workflow WORDS…` without waiting; its output goes to `out` in the workspace.
  [[nodiscard]] pid_t start(std::vector<std::string> words, const std::string& out) const;

  /// status.json of a task.
  [[nodiscard]] Json task(const std::string& id) const;
  [[nodiscard]] fs::path task_dir(const std::string& id) const { return outputs() / "_tasks" / id; }
  /// status.json and summary.json of a run.
  [[nodiscard]] Json run_status(const std::string& id) const;
  [[nodiscard]] Json run_summary(const std::string& id) const;
  [[nodiscard]] Json state() const;

  [[nodiscard]] std::vector<std::string> environment() const;

  [[nodiscard]] const fs::path& dir() const { return dir_; }
  [[nodiscard]] fs::path home() const { return dir_ / "home"; }
  [[nodiscard]] fs::path outputs() const { return dir_ / ".workflow" / "outputs"; }
  [[nodiscard]] const std::string& tmux_socket() const { return socket_; }
  void write(const fs::path& relative, const std::string& bytes) const;
  [[nodiscard]] std::string read(const fs::path& relative) const;

  /// A git repository at `repo` with the given files, committed on `main`; REPO_URL names it.
  void make_repo(const std::vector<std::pair<std::string, std::string>>& files) const;
  /// pod-up, bootstrap, checkout: ready for sweep-start.
  void check_out() const;

 private:
  fs::path dir_;
  std::string socket_;
  std::map<std::string, std::string> extra_;
  mutable std::vector<std::pair<std::vector<std::string>, std::string>> started_;
};

/// A process ends: a pid that is gone or a zombie.
[[nodiscard]] bool process_lives(pid_t pid);

/// The built programs.
[[nodiscard]] std::string workflow_program();
[[nodiscard]] std::string agent_program();

}  // namespace workflow::test
