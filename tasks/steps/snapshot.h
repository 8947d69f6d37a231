#pragma once

#include <string>
#include <vector>

#include "common/tree_list.h"
#include "tasks/site.h"

namespace workflow::tasks {

/// Trees that were pushed: `_snapshots/<sha256 of the list>/` with `list.jsonl` and `files/`.
/// A snapshot comes to be whole by one rename and never changes.
class SnapshotStore {
 public:
  explicit SnapshotStore(const Site& site);

  [[nodiscard]] bool has(const std::string& tree) const;
  [[nodiscard]] fs::path files(const std::string& tree) const { return root_ / tree / "files"; }
  /// Error(not_found) when there is no such snapshot.
  [[nodiscard]] TreeList list(const std::string& tree) const;

  /// The youngest snapshot: what a new one is likely to have in common with; empty for none.
  [[nodiscard]] std::string newest() const;
  /// Which files of a list are not in the snapshot `base` under any name.
  [[nodiscard]] std::vector<std::size_t> missing(const TreeList& list,
                                                 const std::string& base) const;

  /// An empty directory that is to become a snapshot; what a killed push left is cleared away.
  [[nodiscard]] fs::path begin() const;
  /// Takes from `base` what is not in `fresh` yet, compares all of it with the list, and gives it
  /// its name. Error(precondition) that names a file which is not as the list says.
  void finish(const fs::path& fresh, const std::string& list_text, const std::string& base) const;

 private:
  Files& files_;
  fs::path root_;
};

}  // namespace workflow::tasks
