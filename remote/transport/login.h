#pragma once

#include "remote/transport/endpoint.h"

namespace workflow::transport {

class SshSession;

/// Logs a session in with what ssh would offer and libssh2 can sign: the agent's keys (with
/// IdentitiesOnly those that an identity file names), then plain key files. NotForLibssh2 when
/// none is accepted, with what was tried.
void log_in(SshSession& session, const Endpoint& endpoint);

/// NotForLibssh2 for settings that say from the start that ssh has to do it: certificates.
void require_keys_for_libssh2(const Endpoint& endpoint);

}  // namespace workflow::transport
