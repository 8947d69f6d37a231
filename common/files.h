#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.h"

namespace workflow {

namespace fs = std::filesystem;

/// How a file is written. `durable` waits until the bytes are on the disk, `name_durable` until the
/// name is too; the next durable name in the same directory covers it.
struct WriteMode {
  mode_t mode = 0644;
  bool durable = true;
  bool name_durable = true;
};

/// Everything that records do to a disk, and nothing else; a test replaces it with one that fails
/// at the n-th call. Errors are Error(precondition) that name the path.
class Files {
 public:
  virtual ~Files() = default;

  /// The bytes of a file; nothing when there is no such file.
  [[nodiscard]] virtual std::optional<std::string> read(const fs::path& path) = 0;
  /// Replaces a file as a whole: readers see the old bytes or the new ones, never a part.
  virtual void write(const fs::path& path, std::string_view bytes, WriteMode mode) = 0;
  /// Appends in one write(2) to the end of a file, made when it is missing.
  virtual void append(const fs::path& path, std::string_view bytes, WriteMode mode) = 0;
  virtual void make_dirs(const fs::path& path) = 0;
  /// Renames; the names are on the disk when it returns.
  virtual void rename(const fs::path& from, const fs::path& to) = 0;
  /// Names in a directory, sorted; none when there is no such directory.
  [[nodiscard]] virtual std::vector<std::string> list(const fs::path& dir) = 0;

  void write(const fs::path& path, std::string_view bytes) { write(path, bytes, WriteMode{}); }
  void append(const fs::path& path, std::string_view bytes) { append(path, bytes, WriteMode{}); }
};

/// The real disk.
[[nodiscard]] Files& real_files();

/// Opens a file for reading; invalid when there is none, or when it is no regular file: a FIFO in
/// its place would hold the reader for ever.
[[nodiscard]] UniqueFd open_regular(const fs::path& path);

/// Error(precondition) when `path`, or a directory between it and `root`, is a symlink: what stands
/// below `root` must not lead elsewhere. `root` itself may be one.
void require_no_symlink(const fs::path& root, const fs::path& path);

/// Whether something is there. `unknown`: the disk did not say (EIO, ESTALE …), which proves
/// nothing.
enum class Presence { there, absent, unknown };
[[nodiscard]] Presence presence(const fs::path& path);
/// Something is there, or may be: what is not proven absent is asked again by whoever opens it.
/// Never throws, where a training may have put anything.
[[nodiscard]] inline bool may_be_there(const fs::path& path) {
  return presence(path) != Presence::absent;
}

/// The last `limit` bytes of a file and where they begin; empty when there is no such file.
struct FileTail {
  std::string bytes;
  std::int64_t offset = 0;
  std::int64_t size = 0;
};
[[nodiscard]] FileTail read_tail(const fs::path& path, std::int64_t limit);

/// `dir/stamp`, or `dir/stamp-2` … when that name is taken.
[[nodiscard]] fs::path free_name(const fs::path& dir, std::string_view stamp);

/// Reads a whole file of this machine; a missing one is Error(not_found) that names it.
[[nodiscard]] std::string read_file(const fs::path& path);

}  // namespace workflow
