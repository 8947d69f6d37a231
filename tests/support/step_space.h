#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/workspace.h"

namespace workflow::test {

/// A workspace for bootstrap and checkout: a git repository to check out, and a python that makes
/// a virtual environment in no time and notes that it did.
class StepSpace {
 public:
  static inline const fs::path record = ".workflow/outputs/_control/workflow_state.json";

  Workspace space;

  StepSpace() {
    real_files().make_dirs(python().parent_path());
    real_files().write(python(),
                       "#!/bin/sh -e\n"
                       "case \"$*\" in\n"
                       "*'-m venv'*) for d; do :; done; mkdir -p \"$d/bin\"\n"
                       "  cp \"$0\" \"$d/bin/python\"; echo \"$d\" >>\"" +
                           venv_log().string() +
                           "\" ;;\n"
                           "*--version*) echo Python 3.11.2 ;;\n"
                           "esac\n",
                       {.mode = 0755, .durable = false});
    space.write("workflow.env",
                space.read("workflow.env") + "REMOTE_PYTHON_BIN=" + python().string() + "\n");
    space.make_repo({{"README", "a training\n"}});
  }

  /// pod-up and bootstrap.
  void ready() const {
    for (const char* command : {"pod-up", "bootstrap"}) (void)space.data({command});
  }

  [[nodiscard]] fs::path python() const { return space.dir() / "tools" / "python3"; }
  [[nodiscard]] fs::path origin() const { return space.dir() / "repo"; }
  [[nodiscard]] fs::path copy() const { return space.dir() / ".workflow" / "repo"; }
  [[nodiscard]] std::string in_copy(const fs::path& name) const { return read_file(copy() / name); }
  [[nodiscard]] std::size_t venvs_made() const {
    return split(trim(real_files().read(venv_log()).value_or("")), '\n').size();
  }

  /// git in the repository that is checked out from; what it printed.
  std::string git(std::vector<std::string> words, fs::path where = {}) const {
    if (where.empty()) where = origin();
    words.insert(words.begin(),
                 {"git", "-C", where.string(), "-c", "user.name=t", "-c", "user.email=t@t"});
    CaptureSpec spec;
    spec.argv = std::move(words);
    spec.env = environment_with({"HOME=" + space.home().string()});
    const Captured done = capture(spec);
    if (!done.ok()) throw std::runtime_error("git: " + done.err);
    return std::string(trim(done.out));
  }
  /// Commits a file on the branch that is out; the new commit.
  std::string commit(const std::string& name, const std::string& bytes) const {
    real_files().write(origin() / name, bytes, {.durable = false});
    git({"add", "-A"});
    git({"commit", "-qm", "more"});
    return git({"rev-parse", "HEAD"});
  }
  [[nodiscard]] std::string head() const { return git({"rev-parse", "HEAD"}, copy()); }

  /// PATH holds these programs of this machine and no others from now on.
  void only_programs(const std::vector<std::string>& names) {
    const fs::path bin = space.dir() / "bin";
    real_files().make_dirs(bin);
    for (const auto& name : names) {
      for (const char* dir : {"/usr/bin", "/bin"}) {
        if (fs::exists(bin / name) || !fs::exists(fs::path(dir) / name)) continue;
        fs::create_symlink(fs::path(dir) / name, bin / name);
      }
    }
    space.set("PATH=" + bin.string());
  }

 private:
  [[nodiscard]] fs::path venv_log() const { return space.dir() / "venvs"; }
};

}  // namespace workflow::test
