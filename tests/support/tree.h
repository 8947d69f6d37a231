#pragma once

#include <map>
#include <string>

#include "common/files.h"

namespace workflow::test {

/// Everything below a directory by its path: what it is, its mode, its time, and its bytes or the
/// target of a link. Two trees are the same when these are.
[[nodiscard]] std::map<std::string, std::string> snapshot(const fs::path& root);

/// A tree of names, modes, times and links as hostile as a file system allows.
void make_hostile_tree(const fs::path& root);

/// Names below a directory that only a copy at work has.
[[nodiscard]] std::size_t temporary_files(const fs::path& root);

}  // namespace workflow::test
