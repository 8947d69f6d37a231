#pragma once

#include <string>

#include "common/error.h"
#include "remote/transport/endpoint.h"

// Why a target cannot be reached: one wording, whichever way it was tried.
namespace workflow::transport {

/// libssh2 cannot do what this server or key asks for, but the system's ssh may: an algorithm, an
/// encrypted key, a second factor, a host key known in a way that only ssh can read. Never thrown
/// for a host key that is wrong or a host that is down.
class NotForLibssh2 : public Error {
 public:
  explicit NotForLibssh2(const std::string& why)
      : Error(Code::precondition, "libssh2 cannot reach it: " + why,
              "WF_TRANSPORT=auto or openssh lets the system's ssh do it"),
        reason_(why) {}
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

/// The server let go of us before the login; nothing was done, so that it may be tried again.
class ClosedBeforeLogin : public Error {
 public:
  explicit ClosedBeforeLogin(const Endpoint& endpoint);
};

[[nodiscard]] Error refuses_connections(const Endpoint& endpoint);
[[nodiscard]] Error does_not_answer(const Endpoint& endpoint);
[[nodiscard]] Error has_no_address(const Endpoint& endpoint, const std::string& why);
[[nodiscard]] Error cannot_be_reached(const Endpoint& endpoint, const std::string& why);
/// The connection ended under a command: what became of the command is unknown.
[[nodiscard]] Error connection_lost(const std::string& why);
[[nodiscard]] Error opens_no_channel(const std::string& why);

/// `key`: type and fingerprint as far as they are known, e.g. `ssh-ed25519 SHA256:…`.
[[nodiscard]] Error host_key_unknown(const Endpoint& endpoint, const std::string& key);
/// `place`: file and line of the key that was known; empty: not found.
[[nodiscard]] Error host_key_changed(const Endpoint& endpoint, const std::string& key,
                                     const std::string& place);
[[nodiscard]] Error host_key_revoked(const Endpoint& endpoint, const std::string& key);

/// No key was accepted. `words` are ssh's own; `asked`: a person could have typed a passphrase.
[[nodiscard]] Error login_refused(const Endpoint& endpoint, const std::string& words, bool asked);

}  // namespace workflow::transport
