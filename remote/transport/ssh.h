#pragma once

#include <memory>

#include "remote/transport/endpoint.h"
#include "remote/transport/transport.h"

namespace workflow::transport {

/// One connection of our own through libssh2. NotForLibssh2 comes out of `open` where the system's
/// ssh has to do it.
[[nodiscard]] std::unique_ptr<Transport> libssh2_transport(const Endpoint& endpoint,
                                                           int interrupt_fd);

/// The system's ssh over a connection that it keeps open for the next command (ControlMaster).
[[nodiscard]] std::unique_ptr<Transport> openssh_transport(const Endpoint& endpoint,
                                                           int interrupt_fd);

/// What WF_TRANSPORT=auto does: a live ControlMaster of the user's, else libssh2, else openssh.
[[nodiscard]] std::unique_ptr<Transport> auto_transport(const Endpoint& endpoint, int interrupt_fd);

}  // namespace workflow::transport
