#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/file_lock.h"
#include "remote/transport/endpoint.h"

namespace workflow::transport {

/// Runs `login` with the time (steady_ms) by which it has to be done. At most 4 logins to one host
/// are under way from this user's machine, because a server that is asked by more drops some
/// (MaxStartups); one that was dropped is tried up to 4 times within the endpoint's limit.
/// Error(busy) when no place became free, Error(detached) when `interrupt_fd` became readable.
void admit(const Endpoint& endpoint, int interrupt_fd,
           const std::function<void(std::int64_t deadline)>& login);

/// The first of these locks to become free, by `deadline`; nothing when none did. Error(detached)
/// as above.
[[nodiscard]] std::optional<FileLock> first_free(const std::vector<fs::path>& files,
                                                 std::int64_t deadline, int interrupt_fd);

}  // namespace workflow::transport
