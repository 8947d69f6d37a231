#pragma once

#include <memory>
#include <string>

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// What checkout brings to OPS_REMOTE_REPO, from git or from a pushed snapshot.
class WorkingCopy {
 public:
  virtual ~WorkingCopy() = default;

  /// Finds out what is wanted and whether the copy may be moved there; changes nothing.
  virtual void check() = 0;
  /// Moves the copy there.
  virtual void update() = 0;
  /// What the state record keeps of it: `repo` (a path that is there while the copy is), `git_sha`,
  /// `ref`.
  [[nodiscard]] virtual Json claims() const = 0;
  /// `main at 3f9c2e1`.
  [[nodiscard]] virtual std::string shown() const = 0;
};

/// A clone of REPO_URL.
[[nodiscard]] std::unique_ptr<WorkingCopy> git_copy(const Step& step);
/// The snapshot that the request names in `push` (`tree`, `git_sha`, `head`, `dirty`).
[[nodiscard]] std::unique_ptr<WorkingCopy> pushed_copy(const Step& step);

}  // namespace workflow::tasks
