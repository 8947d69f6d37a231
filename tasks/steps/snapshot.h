#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/tree_list.h"
#include "tasks/site.h"

namespace workflow::tasks {

/// What a new snapshot takes over from the youngest one, and what has to be sent.
struct SnapshotPlan {
  std::string base{};                              ///< the youngest one; empty for none
  std::map<std::size_t, const TreeFile*> there{};  ///< of the list; what the base has of it
  std::vector<std::size_t> missing{};              ///< files that it has under no name
  TreeList base_list{};
};

/// Trees that were pushed: `_snapshots/<sha256 of the list>/` with `list.jsonl`, `files/`, and of a
/// git repository `commit` and `dirty.patch`. A snapshot comes to be whole by one rename and never
/// changes; what two of them have in common is one file with two names.
class SnapshotStore {
 public:
  explicit SnapshotStore(const Site& site);

  [[nodiscard]] bool has(const std::string& tree) const;
  /// The names of all there are.
  [[nodiscard]] std::vector<std::string> trees() const;
  [[nodiscard]] const fs::path& dir() const { return root_; }
  [[nodiscard]] fs::path files(const std::string& tree) const { return root_ / tree / "files"; }
  /// Error(not_found) when there is no such snapshot.
  [[nodiscard]] TreeList list(const std::string& tree) const;

  /// A file of the youngest snapshot counts as long as nobody has written to it since.
  [[nodiscard]] SnapshotPlan plan(const TreeList& wanted) const;
  /// A directory that is to become a snapshot, with what is not missing; what a killed push left is
  /// cleared away.
  [[nodiscard]] fs::path begin(const TreeList& wanted, const SnapshotPlan& plan) const;
  /// Gives it its name when all that is missing has arrived, on the disk before its name is.
  void finish(const fs::path& fresh, const TreeList& wanted, const std::string& list_text) const;

 private:
  [[nodiscard]] std::string newest() const;
  [[nodiscard]] std::optional<std::string> whole_list(const std::string& tree) const;

  Files& files_;
  fs::path root_;
};

}  // namespace workflow::tasks
