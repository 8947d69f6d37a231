#pragma once

#include <memory>
#include <string>
#include <vector>

#include "remote/transport/transport.h"

namespace workflow::transport {

/// A channel that is a process of this machine: a shell, or ssh. With
/// `own_session` a Ctrl-C on the terminal is for us alone; ssh needs ours to ask for a passphrase.
[[nodiscard]] std::unique_ptr<Channel> process_channel(const std::vector<std::string>& argv,
                                                       int interrupt_fd, bool own_session);

}  // namespace workflow::transport
