#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/files.h"

// What the kernel says of the file system under a path (proc_pid_mountinfo(5)). Linux only.
namespace workflow::tasks {

struct Mount {
  fs::path point;
  std::string type;    ///< `ext4`, `overlay`, `nfs4`, `fuse.s3fs`
  std::string source;  ///< what is mounted there
  bool read_only = false;
  bool no_exec = false;

  /// Rename and lock cannot be relied on there.
  [[nodiscard]] bool is_fuse() const { return type.rfind("fuse", 0) == 0; }
  [[nodiscard]] bool is_network() const;
};

/// The mount that a path lies on, by the lines of mountinfo; nothing when none fits.
[[nodiscard]] std::optional<Mount> mount_in(std::string_view mountinfo, const fs::path& path);

/// The same here and now; a path that does not exist lies where its nearest parent lies. Asks no
/// FUSE file system: one that hangs would hold us for ever.
[[nodiscard]] std::optional<Mount> mount_of(const fs::path& path);

/// Room on the file system under a path, for a user who is not root.
struct Space {
  std::int64_t free_bytes = 0;
  std::int64_t total_bytes = 0;
  std::int64_t free_inodes = -1;  ///< -1: the file system does not count them
};
[[nodiscard]] std::optional<Space> space_at(const fs::path& path);

/// The path itself, or the nearest parent that exists.
[[nodiscard]] fs::path nearest_existing(fs::path path);

}  // namespace workflow::tasks
