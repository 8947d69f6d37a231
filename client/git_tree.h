#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/files.h"

namespace workflow::client {

/// What git says of a working tree, with its submodules. Paths are below the root.
struct GitTree {
  fs::path root;
  std::string head;      ///< the commit that is out; empty where there is none yet
  bool changed = false;  ///< what is tracked differs from it
  std::set<std::string> tracked;
  std::set<std::string> untracked;  ///< neither tracked nor ignored
};

/// Nothing outside a repository. Error(precondition) with git's words when it fails.
[[nodiscard]] std::optional<GitTree> look_with_git(const fs::path& dir);

/// What is tracked and differs from the commit that is out, as a patch that `git apply` takes;
/// without what is in `leave_out`, paths below the root.
[[nodiscard]] std::string patch_of(const fs::path& root, const std::vector<std::string>& leave_out);

}  // namespace workflow::client
