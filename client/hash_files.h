#pragma once

#include <sys/stat.h>

#include <utility>
#include <vector>

#include "common/tree_list.h"

namespace workflow::client {

/// Reads files below a root, on as many processors as there are, and sets their size and hash.
/// Returns those that were read, with what each was before it was read; one that has vanished is
/// left as it is. Error(precondition) for one that cannot be read.
[[nodiscard]] std::vector<std::pair<TreeFile*, struct stat>> hash_files(
    const fs::path& root, const std::vector<TreeFile*>& files);

}  // namespace workflow::client
