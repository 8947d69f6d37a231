#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/files.h"

// Where an ssh target is, as the user's own ssh would go there.
namespace workflow::transport {

/// What `ssh -G` says of a destination: Match, Include and defaults are all in it.
struct Endpoint {
  std::string destination;  ///< as the user wrote it: an alias, or ssh://user@host:port
  std::string host;
  std::int64_t port = 22;
  std::string user;
  std::string host_key_alias;  ///< the name in known_hosts; empty: host and port
  std::vector<fs::path> identity_files;
  bool identities_only = false;
  std::string identity_agent;  ///< socket; empty: SSH_AUTH_SOCK; "none": no agent
  bool has_certificates = false;
  std::string proxy_jump;     ///< empty: none
  std::string proxy_command;  ///< empty: none
  std::vector<fs::path> known_hosts;
  std::string control_path;          ///< of the user's own multiplexing; empty: none
  std::int64_t connect_timeout = 0;  ///< seconds; 0: not set
};

/// Reads the lines of `ssh -G`. `home` replaces a leading `~`.
[[nodiscard]] Endpoint parse_endpoint(const std::string& destination, const std::string& lines,
                                      const fs::path& home);

/// Asks the system's ssh. Error(precondition) when there is none, Error(usage) with ssh's own words
/// when it does not understand the destination.
[[nodiscard]] Endpoint resolve_endpoint(const std::string& destination);

}  // namespace workflow::transport
