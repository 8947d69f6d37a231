#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string_view>

#include "common/files.h"
#include "common/unique_fd.h"

// Paths that others sent, opened so that they lead nowhere else.
namespace workflow::sync {

/// True when a relative path stays below where it starts, as far as its words tell: no part of it
/// is empty, `.` or `..`, or holds a NUL.
[[nodiscard]] bool stays_below(std::string_view path);

/// Opens what lies below a directory. No link is followed, neither on the way nor at its end;
/// invalid, with errno, where it cannot be opened.
[[nodiscard]] UniqueFd open_below(const fs::path& root, std::string_view path, int flags,
                                  mode_t mode = 0);

/// When a file was last written, since the epoch.
[[nodiscard]] std::int64_t mtime_ns(const struct stat& info);

}  // namespace workflow::sync
