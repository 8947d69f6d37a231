#pragma once

#include <memory>
#include <optional>

#include "common/file_lock.h"
#include "remote/transport/endpoint.h"
#include "remote/transport/transport.h"

namespace workflow::transport {

/// A command over the system's ssh and the master at `socket`, never beside it (empty: what the
/// user's settings say); `place` is held as long as the channel. ssh ends with 255 both for itself
/// and for the command, so the far shell says on stderr when it was the command's, and ssh's own
/// words go elsewhere: without that proof `read` throws what ssh meant, or Error(unreachable),
/// outcome unknown. ssh tells no signals: a command that a signal ended reads as 128 plus the
/// signal when its shell outlived it, else as unknown.
[[nodiscard]] std::unique_ptr<Channel> openssh_channel(const Endpoint& endpoint,
                                                       const fs::path& socket,
                                                       const std::string& command, int interrupt_fd,
                                                       std::optional<FileLock> place = {});

}  // namespace workflow::transport
