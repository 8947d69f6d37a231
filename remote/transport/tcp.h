#pragma once

#include <cstdint>

#include "common/unique_fd.h"
#include "remote/transport/endpoint.h"

namespace workflow::transport {

/// A connected socket, non-blocking, without Nagle's delay, that fails within seconds when the
/// peer is gone. Every address of the host is tried, the next one as soon as the last failed or
/// has been silent for 250 ms; the first that answers wins. Error(unreachable) says what the last
/// answered, Error(detached) when `interrupt_fd` became readable. `deadline` is in steady_ms.
[[nodiscard]] UniqueFd connect_tcp(const Endpoint& endpoint, std::int64_t deadline,
                                   int interrupt_fd);

/// A connection to a socket of this machine; invalid when nobody takes it at once.
[[nodiscard]] UniqueFd connect_unix(const fs::path& path);

}  // namespace workflow::transport
