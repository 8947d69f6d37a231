#pragma once

#include <optional>
#include <string>

#include "remote/transport/endpoint.h"

// What was learned of a host, so that the next command does not try libssh2 in vain: one small file
// a host under XDG_CACHE_HOME/workflow/ways. A cache: losing it costs a handshake.
namespace workflow::transport {

/// Why libssh2 could not reach it within the last day; nothing when that is not known.
[[nodiscard]] std::optional<std::string> remembered_reason(const Endpoint& endpoint);

void remember_reason(const Endpoint& endpoint, const std::string& reason);
void forget_reason(const Endpoint& endpoint);

}  // namespace workflow::transport
