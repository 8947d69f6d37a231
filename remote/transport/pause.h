#pragma once

#include <cstdint>

namespace workflow::transport {

/// Waits; Error(detached) when `interrupt_fd` (-1: none) becomes readable.
void pause(std::int64_t ms, int interrupt_fd);

}  // namespace workflow::transport
