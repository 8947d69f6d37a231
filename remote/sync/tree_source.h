#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "remote/sync/entry.h"
#include "remote/sync/walk.h"

namespace workflow::sync {

/// Files and trees as a stream of bytes; a tree of any size takes the memory of one piece.
class TreeSource {
 public:
  /// Looks at everything first: what is missing, unreadable or special is told before a byte is
  /// sent.
  explicit TreeSource(std::vector<fs::path> paths);

  /// What there was to copy at the start.
  [[nodiscard]] const Sum& sum() const { return sum_; }
  /// The next bytes of the stream, some hundred KiB; nothing at the end.
  [[nodiscard]] std::optional<std::string> next();

 private:
  void add_next();
  void add_found(const Walk::Found& found);
  void add_bytes();

  std::vector<fs::path> paths_;
  std::size_t at_ = 0;
  Sum sum_;
  std::optional<Walk> walk_;
  std::string piece_;
  UniqueFd file_;
  std::int64_t left_ = 0;  ///< of the file
  std::string file_name_;
  bool ended_ = false;
};

/// The name that a path has at its destination; empty where only what is in it is meant (`.`, a
/// final slash and a dot, `/`).
[[nodiscard]] std::string source_name(const fs::path& path);

}  // namespace workflow::sync
