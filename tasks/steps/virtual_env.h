#pragma once

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// The working copy's virtual environment (`.venv`), and what checkout does with it.
class VirtualEnv {
 public:
  explicit VirtualEnv(const Step& step) : step_(step), dir_(step.site().repo() / ".venv") {}

  [[nodiscard]] const fs::path& dir() const { return dir_; }
  [[nodiscard]] fs::path python() const { return dir_ / "bin" / "python"; }
  /// Makes it, unless a whole one is there whose python works and is of the same installation and
  /// version as REMOTE_PYTHON_BIN; VENV_RECREATE makes it anew.
  void make() const;
  /// Variables of a command that is to use it.
  [[nodiscard]] std::vector<std::string> env() const;
  /// Runs CHECKOUT_INSTALL_CMD or CHECKOUT_POST_CMD in it, if set, with more variables.
  void run(const char* key, const std::vector<std::string>& more_env) const;

 private:
  /// Why it has to be made anew; empty: it is good as it is.
  [[nodiscard]] std::string fault() const;
  void see_packages_of_another() const;

  const Step& step_;
  fs::path dir_;
};

}  // namespace workflow::tasks
