#pragma once

#include <memory>
#include <string>
#include <vector>

#include "remote/transport/endpoint.h"
#include "remote/transport/transport.h"

namespace workflow::transport {

/// One connection of our own through libssh2, also through a ProxyJump or ProxyCommand.
/// NotForLibssh2 comes out of `open` where the system's ssh has to do it.
[[nodiscard]] std::unique_ptr<Transport> libssh2_transport(const Endpoint& endpoint,
                                                           int interrupt_fd);

/// The system's ssh over a connection of ours that stays open for the next command (ControlMaster).
/// `reason`: why it is not libssh2, for `way`.
[[nodiscard]] std::unique_ptr<Transport> openssh_transport(const Endpoint& endpoint,
                                                           int interrupt_fd,
                                                           const std::string& reason = {});

/// The system's ssh over a ControlMaster of the user's.
[[nodiscard]] std::unique_ptr<Transport> shared_transport(const Endpoint& endpoint,
                                                          int interrupt_fd);

/// For many bytes: the user's ControlMaster or ours, whose ciphers are quicker than libssh2's.
[[nodiscard]] std::unique_ptr<Transport> bulk_transport(const Endpoint& endpoint, int interrupt_fd);

/// The system's ssh for a person's terminal, up to the destination; over our own connection where
/// one is open. With `tty` the remote command gets a terminal.
[[nodiscard]] std::vector<std::string> terminal_argv(const Endpoint& endpoint, bool tty);

/// What WF_TRANSPORT=auto does: a live ControlMaster of the user's, else what was remembered of the
/// host, else libssh2, else openssh.
[[nodiscard]] std::unique_ptr<Transport> auto_transport(const Endpoint& endpoint, int interrupt_fd);

}  // namespace workflow::transport
