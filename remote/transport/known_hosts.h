#pragma once

#include <string>

#include "remote/transport/endpoint.h"

struct _LIBSSH2_SESSION;

namespace workflow::transport {

/// The host keys that the user's known_hosts files hold, asked strictly. Only the key of a rented
/// pod is ever added, to our own file and at first contact.
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

  /// Returns when the key that the session was opened with is the known one. Error(precondition)
  /// for a key that is unknown, changed or revoked, with what to do about it; NotForLibssh2 where
  /// the user's ssh may accept it nevertheless (authorities, patterns, its settings).
  void require_match() const;

 private:
  void no_match(int verdict) const;

  _LIBSSH2_SESSION* session_;
  const Endpoint& endpoint_;
  void* hosts_;
};

}  // namespace workflow::transport
