#pragma once

#include <memory>

#include "remote/transport/endpoint.h"
#include "remote/transport/transport.h"

namespace workflow::transport {

/// The way for many bytes: the system's ssh with a connection of its own and, where the user's
/// settings allow it, AES-GCM, which libssh2 does not have; or a live ControlMaster of the user's.
[[nodiscard]] std::unique_ptr<Transport> bulk_transport(const Endpoint& endpoint, int interrupt_fd);

/// The user's list of ciphers with the quickest one first where it is in it.
[[nodiscard]] std::string quick_ciphers_first(const std::string& list);

}  // namespace workflow::transport
