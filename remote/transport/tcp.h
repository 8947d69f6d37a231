#pragma once

#include <cstdint>
#include <string>

#include "common/unique_fd.h"
#include "remote/transport/endpoint.h"

namespace workflow::transport {

/// A connected socket, non-blocking, without Nagle's delay, that fails within seconds when the
/// peer is gone. Every address of the host is tried; Error(unreachable) says what each answered,
/// Error(detached) when `interrupt_fd` became readable.
[[nodiscard]] UniqueFd connect_tcp(const std::string& host, std::int64_t port,
                                   std::int64_t limit_ms, int interrupt_fd);

/// One end of a socket pair whose other end is the stdin and stdout of a command that reaches the
/// host: `ssh -W` for ProxyJump, or the user's ProxyCommand.
struct Proxy {
  UniqueFd socket;
  pid_t pid = -1;
};
[[nodiscard]] Proxy connect_through(const Endpoint& endpoint);

}  // namespace workflow::transport
