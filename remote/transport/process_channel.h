#pragma once

#include <memory>
#include <string>
#include <vector>

#include "remote/transport/transport.h"

namespace workflow::transport {

/// A channel that is a process of this machine: a shell, or ssh. It has a session of its own, so
/// that a Ctrl-C on the terminal is for us alone.
[[nodiscard]] std::unique_ptr<Channel> process_channel(const std::vector<std::string>& argv,
                                                       int interrupt_fd);

}  // namespace workflow::transport
