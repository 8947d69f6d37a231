#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/json.h"

// Copying a tree forward, from where it is written to where it is to stay. Used for the mirror of
// the records and for a run's out/. Linux only.
namespace workflow::tasks {

/// What a file was when its copy was found whole; it is copied again when one of them changes.
struct FileStamp {
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

/// Files that are whole at the destination, by their path relative to the root.
using Copied = std::map<std::string, FileStamp>;

[[nodiscard]] Json copied_json(const Copied& copied);
[[nodiscard]] Copied copied_from(const Json& json);

/// Where a file's copy is until it is whole and compared; then it is renamed. While a file system
/// that renames by copying is at it, one of the two is whole at any instant.
[[nodiscard]] std::string unfinished_name(const std::string& name);

/// Where the better of two copies stays: `NAME.before`.
[[nodiscard]] std::string kept_name(const std::string& name);

struct CopyOrder {
  fs::path from;
  fs::path to;
  /// Told every relative path; false leaves it out, a directory with all that is in it.
  std::function<bool(const std::string& relative)> wanted{};
  std::function<void()> progress{};  ///< told with every file and every MiB
  /// Also what is known to be whole is looked for at the destination, by its size.
  bool look_again = false;
  /// What a copy would replace by something smaller or older stays beside it (kept_name): a
  /// training that was killed while it wrote leaves a stump, and another pod may have got further.
  bool keep_better = false;
};

/// A file whose copy is not what the file is now.
struct Behind {
  std::string path;
  std::string why;
  bool changing = false;  ///< it changed while it was copied: nothing is wrong but the time
};

struct CopyResult {
  std::int64_t files = 0;  ///< copied this time
  std::int64_t bytes = 0;
  std::vector<Behind> behind{};
  bool no_room = false;             ///< some of it for want of room
  std::vector<std::string> kept{};  ///< what stays beside its smaller or older successor

  [[nodiscard]] bool ok() const { return behind.empty(); }
};

/// Copies what is new or has changed, and deletes nothing at the destination. A copy is written
/// under another name, flushed, compared with its source and renamed. Symlinks are copied as links;
/// none is followed on either side. A file that changes meanwhile counts as behind; its copy
/// replaces an older one only where it begins with that. What is not in `copied` and looks the same
/// at the destination is compared byte for byte.
[[nodiscard]] CopyResult copy_forward(const CopyOrder& order, Copied& copied);

}  // namespace workflow::tasks
