#pragma once

#include <stdexcept>
#include <string>

namespace workflow {

/// An operation that could not go on. The exit codes are those of the `workflow` program (README,
/// "Exit codes"): 2 usage, 4 the target does not answer and the outcome is unknown, 124 a wait ran
/// out while the work goes on …
class JobError : public std::runtime_error {
 public:
  JobError(int exit_code, const std::string& what, std::string hint)
      : std::runtime_error(what), exit_code_(exit_code), hint_(std::move(hint)) {}

  [[nodiscard]] int exit_code() const { return exit_code_; }
  /// What to do, where that is known.
  [[nodiscard]] const std::string& hint() const { return hint_; }

 private:
  int exit_code_;
  std::string hint_;
};

}  // namespace workflow
