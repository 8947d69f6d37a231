#pragma once

#include "common/files.h"

namespace workflow::client {

/// Gives two directories each other's name at one instant; where the file system cannot, `now` is
/// moved to `before(now)` and `next` to `now`, with an instant between in which `now` is not there.
/// What `now` was is found under the path that is returned.
[[nodiscard]] fs::path exchange(const fs::path& next, const fs::path& now);

/// Puts `now` back that an exchange left half done.
void mend_exchange(const fs::path& now);

/// Makes `to` the same file as `from`, or a copy of it where there are no hard links; what stands
/// at `to` as a file is replaced. Error(precondition) that names `to`.
void link_or_copy(const fs::path& from, const fs::path& to);

}  // namespace workflow::client
