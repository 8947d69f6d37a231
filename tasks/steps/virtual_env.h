#pragma once

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// The working copy's virtual environment (`.venv`), and what checkout does with it.
class VirtualEnv {
 public:
  explicit VirtualEnv(const Step& step) : step_(step), dir_(step.site().repo() / ".venv") {}

  [[nodiscard]] fs::path python() const { return dir_ / "bin" / "python"; }
  /// Makes it, unless one is there whose python works; VENV_RECREATE makes it anew.
  void make() const;
  /// Runs CHECKOUT_INSTALL_CMD and CHECKOUT_POST_CMD in it.
  void install() const;
  /// Error(precondition) when torch does not see a GPU and REQUIRE_GPU_TORCH asks for one.
  void check_torch() const;

 private:
  const Step& step_;
  fs::path dir_;
};

}  // namespace workflow::tasks
