#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "remote/transport/endpoint.h"

namespace workflow::transport {

/// The program that is the way to a host: the system's ssh for a ProxyJump, the user's own command
/// for a ProxyCommand. Ends with the object; its stderr is kept for the case that it fails.
class Proxy {
 public:
  /// Starts it; NotForLibssh2 when its settings need more than a socket.
  explicit Proxy(const Endpoint& endpoint);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// Our end of the way, non-blocking.
  [[nodiscard]] int socket() const { return socket_.get(); }
  /// What it said first; waits so long for a program that is just ending.
  [[nodiscard]] std::string words(std::int64_t limit_ms = 500);

 private:
  [[nodiscard]] bool ended(std::int64_t limit_ms);

  UniqueFd socket_;
  UniqueFd err_;
  pid_t pid_ = -1;
};

[[nodiscard]] inline bool has_proxy(const Endpoint& endpoint) {
  return !endpoint.proxy_jump.empty() || !endpoint.proxy_command.empty();
}

/// What the proxy says when it is started once more, for the case that ssh kept its words to
/// itself; empty when it says nothing or works now.
[[nodiscard]] std::string words_of_proxy(const Endpoint& endpoint);

/// The command line of the proxy: ssh itself, or the user's shell with the user's command.
[[nodiscard]] std::vector<std::string> proxy_argv(const Endpoint& endpoint);

}  // namespace workflow::transport
