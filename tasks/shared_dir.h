#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/files.h"
#include "common/unique_fd.h"

// A directory of one machine into which every user of it may write, as in /tmp: sticky, its files
// readable for all whatever their writer's umask, and no name in it trusted: no symlink is
// followed, nothing but a regular file is read.
namespace workflow::tasks {

/// `name` in /var/tmp, or in /tmp where /var/tmp is not there for everybody.
[[nodiscard]] fs::path machine_wide(const std::string& name);

/// Makes the directory. Error(precondition) when what stands there is none that all can share.
void make_shared_dir(const fs::path& dir);

/// The lock of the directory; invalid when it cannot be had within the limit.
[[nodiscard]] UniqueFd lock_shared(const fs::path& dir, std::int64_t limit_ms);

/// The bytes of a file there, at most 64 KiB; nothing when it is none that can be read.
[[nodiscard]] std::optional<std::string> read_shared(const fs::path& file);

/// Replaces a file there as a whole. What is written lasts no longer than the machine's uptime:
/// nothing is flushed.
void write_shared(const fs::path& file, std::string_view bytes);
/// True for the name of a file that write_shared has not finished.
[[nodiscard]] bool is_unfinished(std::string_view name);

}  // namespace workflow::tasks
