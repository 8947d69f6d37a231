#pragma once

#include <string>
#include <vector>

#include "common/tree_list.h"

namespace workflow::client {

/// For people: which files of a tree that is shipped look as if they were secret, and which are
/// only pointers of Git LFS.
[[nodiscard]] std::vector<std::string> remarks_on(const fs::path& root, const TreeList& files);

/// The first few of some paths, and how many more there are.
[[nodiscard]] std::string named(const std::vector<std::string>& paths);

}  // namespace workflow::client
