#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "common/unique_fd.h"
#include "remote/transport/endpoint.h"
#include "remote/transport/proxy.h"

struct _LIBSSH2_SESSION;

namespace workflow::transport {

/// An authenticated libssh2 session over one connection or proxy; everything non-blocking
/// underneath, every wait with a deadline and an interrupt.
class SshSession {
 public:
  /// Connects, checks the host key strictly, and logs in with the agent's and the user's keys,
  /// all within the endpoint's limit. Error(unreachable) when nobody answers, Error(precondition)
  /// for a host key that is unknown or wrong, NotForLibssh2 for what the system's ssh may still be
  /// able to do.
  SshSession(const Endpoint& endpoint, int interrupt_fd);
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  [[nodiscard]] _LIBSSH2_SESSION* get() const { return session_; }
  [[nodiscard]] int socket() const { return proxy_ ? proxy_->socket() : socket_.get(); }
  [[nodiscard]] int interrupt_fd() const { return interrupt_fd_; }

  /// Repeats a libssh2 call until it no longer says EAGAIN. Error(unreachable) after 20 s without.
  int complete(const std::function<int()>& call, const std::string& what);
  /// Waits until the socket is ready for what libssh2 wants, at most `limit_ms`; true when it was
  /// the interrupt.
  [[nodiscard]] bool wait(std::int64_t limit_ms) const;
  /// The library's own words for its last failure.
  [[nodiscard]] std::string last_error() const;

 private:
  void connect(std::int64_t deadline);
  void handshake();
  [[noreturn]] void no_handshake(int result, const std::string& known_algorithms);
  void throw_for_proxy();

  Endpoint endpoint_;
  int interrupt_fd_;
  std::int64_t login_deadline_ = std::numeric_limits<std::int64_t>::max();
  UniqueFd socket_;
  std::optional<Proxy> proxy_;
  struct Free {
    void operator()(_LIBSSH2_SESSION* session) const;
  };
  std::unique_ptr<_LIBSSH2_SESSION, Free> handle_;
  bool peer_gone_ = false;               ///< the connection was at its end when last read
  _LIBSSH2_SESSION* session_ = nullptr;  ///< the same
};

}  // namespace workflow::transport
