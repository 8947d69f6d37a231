#pragma once

#include <string>
#include <vector>

#include "remote/transport/endpoint.h"

namespace workflow::transport {

/// Whether a ControlMaster of ssh answers on a socket; costs no process.
[[nodiscard]] bool master_answers(const fs::path& socket);

/// Our own connection through the system's ssh, which outlives this command by 10 minutes.
class Master {
 public:
  Master(const Endpoint& endpoint, int interrupt_fd);

  [[nodiscard]] const fs::path& socket() const { return socket_; }
  /// Logs in unless the connection is open already. A passphrase or a second factor is asked on
  /// the terminal where there is one. Error(unreachable), Error(precondition): as
  /// `throw_for_words`.
  void open() const;

 private:
  void log_in(std::int64_t deadline) const;

  Endpoint endpoint_;
  int interrupt_fd_;
  fs::path socket_;
};

}  // namespace workflow::transport
