#pragma once

#include <string>

#include "common/files.h"

namespace workflow::transport {

/// A directory of this user alone for sockets and locks, gone with the machine's next start. Short,
/// because a socket's path has at most 104 bytes. Error(precondition) when it belongs to another.
[[nodiscard]] fs::path runtime_directory();

/// Where the host keys of rented pods are kept: XDG_STATE_HOME/workflow/known_hosts.
[[nodiscard]] fs::path pods_known_hosts();

/// Where it is remembered how hosts were reached: XDG_CACHE_HOME/workflow/ways.
[[nodiscard]] fs::path ways_directory();

/// The bytes of one of ssh's files; empty when it cannot be read, as ssh passes it over then.
[[nodiscard]] std::string text_of(const fs::path& path);

}  // namespace workflow::transport
