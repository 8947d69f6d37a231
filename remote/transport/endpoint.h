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
  std::string alias;        ///< the host's name before HostName changed it
  std::string host;
  std::int64_t port = 22;
  std::string user;
  std::string host_key_alias;  ///< the name in known_hosts; empty: host and port
  std::vector<fs::path> identity_files;
  bool identities_only = false;
  std::string identity_agent;  ///< socket; empty: SSH_AUTH_SOCK; "none": no agent
  bool has_certificates = false;
  bool forwards_agent = false;    ///< ForwardAgent
  std::string proxy_jump;         ///< hops, first one first; empty: none
  std::string proxy_command;      ///< with ssh's % tokens; empty: none
  bool proxy_hands_over = false;  ///< ProxyUseFdpass: the command passes a connected descriptor
  std::vector<fs::path> known_hosts;
  std::string trusts_otherwise;      ///< why ssh may accept a key that known_hosts lacks; empty: no
  std::string ciphers;               ///< that ssh would offer, best first; empty: not known
  std::string control_path;          ///< of the user's own multiplexing; empty: none
  std::int64_t connect_timeout = 0;  ///< seconds; 0: not set
  std::string pod_id;  ///< of a rented pod: its key is taken at first contact; empty: not rented

  /// How long a login may take, from the first address to the last key.
  [[nodiscard]] std::int64_t limit_ms() const;
  /// `host:port`, with the brackets that an IPv6 address needs.
  [[nodiscard]] std::string where() const;
  /// What known_hosts calls it: the alias, `host`, or `[host]:port`.
  [[nodiscard]] std::string name_in_known_hosts() const;
};

/// Reads the lines of `ssh -G`. `home` replaces a leading `~`.
[[nodiscard]] Endpoint parse_endpoint(const std::string& destination, const std::string& lines,
                                      const fs::path& home);

/// Asks the system's ssh. Error(precondition) when there is none, Error(usage) with ssh's own words
/// when it does not understand the destination.
[[nodiscard]] Endpoint resolve_endpoint(const std::string& destination);

/// The endpoint of a rented pod: addresses are reused, so its key is known by the pod's id alone,
/// in a file of ours (XDG_STATE_HOME/workflow/known_hosts). The first contact stores it, any other
/// key is refused from then on.
[[nodiscard]] Endpoint rented(Endpoint endpoint, const std::string& pod_id);

}  // namespace workflow::transport
