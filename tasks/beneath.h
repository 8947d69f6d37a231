#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/unique_fd.h"

// Looking at what lies beneath an open directory, without following a link out of it.
namespace workflow::tasks {

/// A directory in a directory; invalid, with errno, for anything else and for a symlink.
[[nodiscard]] UniqueFd open_dir_at(int dir, const char* name);

/// The names in a directory, sorted; those that could be read when `error` is set.
[[nodiscard]] std::vector<std::string> names_in(int dir, int& error);

/// Where a symlink points; empty for anything else.
[[nodiscard]] std::string target_of(int dir, const std::string& name);

/// Up to `size` bytes at an offset, fewer only at the end of the file; -1, with errno, when they
/// cannot be read.
[[nodiscard]] ssize_t read_at(int fd, char* into, std::size_t size, std::int64_t at);

}  // namespace workflow::tasks
