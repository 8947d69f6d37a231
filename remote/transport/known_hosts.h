#pragma once

#include <string>

#include "remote/transport/endpoint.h"

struct _LIBSSH2_SESSION;

namespace workflow::transport {

/// The host keys that the user's known_hosts files hold, asked strictly: nothing is ever added.
class KnownHosts {
 public:
  KnownHosts(_LIBSSH2_SESSION* session, const Endpoint& endpoint);
  ~KnownHosts();
  KnownHosts(const KnownHosts&) = delete;
  KnownHosts& operator=(const KnownHosts&) = delete;

  /// The host key algorithms to offer, those whose keys are known for this host; empty when the
  /// host is not known at all. Without this, a file that only holds an ed25519 key reads as a
  /// mismatch against the ECDSA key that libssh2 would ask for.
  [[nodiscard]] std::string preferred_algorithms() const;

  /// Throws Error(precondition) unless the key that the session was opened with is the known one;
  /// tells an unknown host from a changed key, and what to do about either.
  void require_match() const;

 private:
  _LIBSSH2_SESSION* session_;
  const Endpoint& endpoint_;
  void* hosts_;
};

}  // namespace workflow::transport
