#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "client/session.h"

namespace workflow::client {

/// A port of the target's network on 127.0.0.1 here.
struct Forward {
  std::int64_t local = 0;
  std::string host = "localhost";  ///< as the target knows it
  std::int64_t port = 0;
};

/// Reads PORT, LOCAL:PORT or LOCAL:HOST:PORT; Error(usage) for anything else.
[[nodiscard]] Forward parse_forward(const std::string& text);

/// Told in words what has become of the connection.
struct ForwardEvents {
  std::function<void()> on_listening;
  std::function<void(const std::string& why)> on_lost;
};

/// Keeps the ports open until `interrupt_fd` becomes readable, then returns; connects anew, later
/// and later, when the connection is lost. Error(precondition) when a port here is taken or the
/// system's ssh is refused at the first time, Error(usage) where the target is this machine.
void forward_ports(Session& session, const std::vector<Forward>& forwards, int interrupt_fd,
                   const ForwardEvents& events);

}  // namespace workflow::client
