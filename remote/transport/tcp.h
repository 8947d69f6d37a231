#pragma once

#include <cstdint>
#include <string>

#include "common/unique_fd.h"
#include "remote/transport/endpoint.h"

namespace workflow::transport {

/// A connected socket, non-blocking, without Nagle's delay, that fails within seconds when the
/// peer is gone. Every address of the host is tried; Error(unreachable) says what the last
/// answered, Error(detached) when `interrupt_fd` became readable.
[[nodiscard]] UniqueFd connect_tcp(const std::string& host, std::int64_t port,
                                   std::int64_t limit_ms, int interrupt_fd);

}  // namespace workflow::transport
