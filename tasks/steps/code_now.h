#pragma once

#include <string>

#include "common/json.h"

namespace workflow::tasks {

/// What records call the code in the working copy.
struct CodeNow {
  std::string git_sha;
  std::string remark{};  ///< of a copy that is not as checkout left it, for people
};

/// For people: `3f9c2e1`, `3f9c2e1-dirty-0123456789ab`, `push:0123456789ab`.
[[nodiscard]] std::string short_code(const std::string& git_sha);

/// Looks whether the copy that checkout claims is still at that commit and without changes: else it
/// is called `COMMIT-dirty-HASH`. Where that cannot be told, what was claimed.
[[nodiscard]] CodeNow code_now(const Json& claims);

}  // namespace workflow::tasks
