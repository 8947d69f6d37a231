#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/files.h"
#include "common/sha256.h"
#include "remote/sync/entry.h"

// Files of this machine that are compared with a target's.
namespace workflow::client {

/// What is known of a regular file; nothing for anything else, a link included.
[[nodiscard]] std::optional<struct stat> look(const fs::path& path);

/// Reads the first `size` bytes into a hash, and to the descriptor `to` unless it is -1; false when
/// there are fewer or they cannot be written.
[[nodiscard]] bool pass(const fs::path& from, std::int64_t size, Sha256& hash, int to = -1);
/// The same of an open file; `to` is told the bytes.
[[nodiscard]] bool pass(int fd, std::int64_t size, Sha256& hash,
                        const std::function<void(std::string_view)>& to = {});

/// The SHA-256 of the first `size` bytes; empty when there are fewer.
[[nodiscard]] std::string hash_of(const fs::path& file, std::int64_t size);

/// Gives a file the mode and time of an entry; its owner can always read and replace it.
[[nodiscard]] bool finish_file(int fd, const sync::Entry& is);

}  // namespace workflow::client
