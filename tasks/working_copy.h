#pragma once

#include <string>

#include "common/files.h"

namespace workflow::tasks {

/// What a working copy holds, by git's own word.
struct WorkingCopy {
  std::string head;      ///< full id of the commit; empty: no repository, or git did not say
  bool changed = false;  ///< tracked files differ from it

  /// The commit as records keep it: `<sha>`, or `<sha>-dirty` when files differ from it.
  [[nodiscard]] std::string described() const { return head + (changed ? "-dirty" : ""); }
};

/// Asks git in `repo`, and in no repository above it; waits for up to a minute.
[[nodiscard]] WorkingCopy look_at_working_copy(const fs::path& repo);

}  // namespace workflow::tasks
