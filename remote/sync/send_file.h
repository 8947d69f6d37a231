#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/file_hole.h"
#include "remote/sync/listing.h"

namespace workflow::sync {

/// How much of a file the other side has, and the SHA-256 of that.
struct Have {
  std::int64_t bytes = 0;
  std::string sha256{};
};

/// What was sent, as it was at one moment.
struct Sent {
  std::string fault{};  ///< why there is nothing: it vanished, cannot be read, never held still
  bool vanished = false;
  Entry entry{};  ///< size, mode and time of what was sent
  std::string sha256{};
};

/// Told bytes and where they belong; those at 0 begin the file anew.
using OnPiece = std::function<void(std::int64_t at, std::string_view bytes)>;
/// Told where a file leaves bytes out, which read as zeros: the other side can leave them out too.
using OnHole = std::function<void(const FileHole& hole)>;

/// Reads a file below a root and gives what the other side lacks. What it has counts only where its
/// hash agrees. A file that has grown since it was listed is given as it was then, one that was
/// replaced as it is now; one that changes while it is read is read again, three times at most, and
/// then told. Holes are read as zeros without `on_hole`. No link is followed.
[[nodiscard]] Sent send_file(const fs::path& root, const Listed& listed, const Have& have,
                             const OnPiece& on_piece, const OnHole& on_hole = {});

}  // namespace workflow::sync
