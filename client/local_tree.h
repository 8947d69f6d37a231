#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/settings.h"
#include "common/tree_list.h"

namespace workflow::client {

/// What `push` ships of this machine: in a git repository the files that git tracks, as they are in
/// the working tree, and if asked for those that it neither tracks nor ignores, of its submodules
/// too; elsewhere every file. Never `.git`, `.workflow` or `.venv`.
struct LocalTree {
  fs::path root;  ///< the repository's, or the directory of workflow.env
  TreeList files;
  std::string head;                    ///< the commit that is out; empty outside a git repository
  bool dirty = false;                  ///< what is shipped is not what that commit has
  bool has_patch = false;              ///< what is tracked differs from that commit
  std::vector<std::string> leave_out;  ///< paths below the root that stay here
  std::vector<std::string> remarks;
  std::int64_t fresh_bytes = 0;  ///< of the files that had to be read: they were changed since

  /// The bytes of the list, and their SHA-256: the tree's name.
  std::string text;
  std::string name;
  /// What records call the code: the commit, `COMMIT-dirty-TREE`, or `push:TREE`.
  [[nodiscard]] std::string git_sha() const;
};

/// Which files of a directory are shipped.
struct Shipped {
  std::vector<fs::path> leave_out{};  ///< files, or directories with what is in them
  bool untracked = false;             ///< what git neither tracks nor ignores
};

/// Looks at every file of it, and reads those that are not as they were the last time
/// (stat_cache.h). Error(refused) for a home directory or `/` and where git tracks nothing,
/// Error(precondition) for what cannot be read and when git fails.
/// `before_reading` is called when it is known which files they are.
[[nodiscard]] LocalTree look_at_tree(const fs::path& dir, const Shipped& shipped,
                                     const std::function<void()>& before_reading = {});

/// The tree that `push` ships: not the settings, which may hold a login, nor the manifest, which a
/// campaign keeps by itself, nor what was fetched. PUSH_UNTRACKED asks for untracked files.
[[nodiscard]] LocalTree tree_to_push(const Settings& settings,
                                     const std::function<void()>& before_reading = {});

}  // namespace workflow::client
