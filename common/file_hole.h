#pragma once

#include <cstdint>
#include <optional>

namespace workflow {

/// Bytes of a file that the file system does not keep: they read as zeros, and nobody wrote them.
struct FileHole {
  std::int64_t from = 0;
  std::int64_t to = 0;

  [[nodiscard]] std::int64_t size() const { return to > from ? to - from : 0; }
  bool operator==(const FileHole&) const = default;
};

/// The next hole of an open file at or behind `offset` that has bytes behind it; nothing where the
/// file has none or its file system does not tell.
[[nodiscard]] std::optional<FileHole> hole_after(int fd, std::int64_t offset);

}  // namespace workflow
