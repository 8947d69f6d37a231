#pragma once

#include <string>
#include <vector>

#include "remote/transport/endpoint.h"

namespace workflow::transport {

/// A line of known_hosts that is about a host: hashed names and patterns are recognised too.
struct KnownLine {
  enum class Kind { key, authority, revoked };
  Kind kind = Kind::key;
  std::string place;     ///< `FILE:LINE`
  std::string key;       ///< `TYPE BASE64`
  bool by_port = false;  ///< under the name with the port (or the alias), not the bare host
};

/// All of them, as ssh-keygen finds them; costs a process for each file and name, so it is for the
/// cases that libssh2 does not settle.
[[nodiscard]] std::vector<KnownLine> known_lines(const Endpoint& endpoint);

/// Whether any of the files has a line that revokes a key.
[[nodiscard]] bool revokes_keys(const Endpoint& endpoint);

}  // namespace workflow::transport
