#pragma once

#include <string>
#include <vector>

#include "client/settings.h"
#include "common/tree_list.h"

namespace workflow::client {

/// What `push` ships of this machine: in a git repository the files that git tracks and those that
/// it neither tracks nor ignores, of its submodules too; elsewhere every file. Never `.git`,
/// `.workflow` or `.venv`.
struct LocalTree {
  fs::path root;  ///< the repository's, or the directory of workflow.env
  TreeList files;
  std::string head;    ///< the commit that is out; empty outside a git repository
  bool dirty = false;  ///< there are changes or files that git does not know
  std::vector<std::string> remarks;

  /// The bytes of the list, and their SHA-256: the tree's name.
  std::string text;
  std::string name;
  /// What records call the code: the commit, `COMMIT-dirty-TREE`, or `push:TREE`.
  [[nodiscard]] std::string git_sha() const;
};

/// Reads every file of it but those in `leave_out`: files, or directories with what is in them.
/// Error(refused) for a home directory or `/`, Error(precondition) for what
/// cannot be read and when git fails.
[[nodiscard]] LocalTree look_at_tree(const fs::path& dir, const std::vector<fs::path>& leave_out);

/// The tree that `push` ships: not the settings, which may hold a login, nor the manifest, which a
/// campaign keeps by itself, nor what was fetched.
[[nodiscard]] LocalTree tree_to_push(const Settings& settings);

}  // namespace workflow::client
