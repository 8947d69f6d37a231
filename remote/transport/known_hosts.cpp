#include "remote/transport/known_hosts.h"

#include <libssh2.h>

#include "common/error.h"
#include "common/text.h"

namespace workflow::transport {
namespace {

struct KeyType {
  int hostkey;  ///< LIBSSH2_HOSTKEY_TYPE_*
  int known;    ///< LIBSSH2_KNOWNHOST_KEY_*
  const char* name;
};

constexpr KeyType key_types[] = {
    {LIBSSH2_HOSTKEY_TYPE_ED25519, LIBSSH2_KNOWNHOST_KEY_ED25519, "ssh-ed25519"},
    {LIBSSH2_HOSTKEY_TYPE_ECDSA_256, LIBSSH2_KNOWNHOST_KEY_ECDSA_256, "ecdsa-sha2-nistp256"},
    {LIBSSH2_HOSTKEY_TYPE_ECDSA_384, LIBSSH2_KNOWNHOST_KEY_ECDSA_384, "ecdsa-sha2-nistp384"},
    {LIBSSH2_HOSTKEY_TYPE_ECDSA_521, LIBSSH2_KNOWNHOST_KEY_ECDSA_521, "ecdsa-sha2-nistp521"},
    {LIBSSH2_HOSTKEY_TYPE_RSA, LIBSSH2_KNOWNHOST_KEY_SSHRSA, "ssh-rsa"}};

LIBSSH2_KNOWNHOSTS* hosts(void* handle) { return static_cast<LIBSSH2_KNOWNHOSTS*>(handle); }

struct Name {
  std::string host;
  int port;
};

/// How the host is called in the files: its alias without a port, or host and port.
Name name_in_files(const Endpoint& endpoint) {
  if (!endpoint.host_key_alias.empty()) return {endpoint.host_key_alias, -1};
  return {endpoint.host, static_cast<int>(endpoint.port)};
}

int check(void* handle, const Endpoint& endpoint, std::string_view key, int type) {
  const Name name = name_in_files(endpoint);
  return libssh2_knownhost_checkp(
      hosts(handle), name.host.c_str(), name.port, key.data(), key.size(),
      LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW | type, nullptr);
}

std::string shown(const Endpoint& endpoint) {
  return endpoint.port == 22 ? endpoint.host
                             : "[" + endpoint.host + "]:" + std::to_string(endpoint.port);
}

}  // namespace

KnownHosts::KnownHosts(LIBSSH2_SESSION* session, const Endpoint& endpoint)
    : session_(session), endpoint_(endpoint), hosts_(libssh2_knownhost_init(session)) {
  if (hosts_ == nullptr) bug("libssh2_knownhost_init");
  for (const auto& file : endpoint.known_hosts) {
    // A missing file holds no key.
    libssh2_knownhost_readfile(hosts(hosts_), file.c_str(), LIBSSH2_KNOWNHOST_FILE_OPENSSH);
  }
}

KnownHosts::~KnownHosts() { libssh2_knownhost_free(hosts(hosts_)); }

std::string KnownHosts::preferred_algorithms() const {
  std::string known;
  for (const auto& type : key_types) {
    // Any key of this type will do for the question whether one is known: a wrong one mismatches.
    const bool has = check(hosts_, endpoint_, "?", type.known) == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
    if (has) known += (known.empty() ? "" : ",") + std::string(type.name);
  }
  return known;
}

void KnownHosts::require_match() const {
  std::size_t size = 0;
  int type = 0;
  const char* key = libssh2_session_hostkey(session_, &size, &type);
  if (key == nullptr) throw Error(Code::unreachable, shown(endpoint_) + " showed no host key");
  int known_type = LIBSSH2_KNOWNHOST_KEY_UNKNOWN;
  std::string type_name = "unknown type";
  for (const auto& row : key_types) {
    if (row.hostkey != type) continue;
    known_type = row.known;
    type_name = row.name;
  }
  switch (check(hosts_, endpoint_, std::string_view(key, size), known_type)) {
    case LIBSSH2_KNOWNHOST_CHECK_MATCH:
      return;
    case LIBSSH2_KNOWNHOST_CHECK_MISMATCH:
      throw Error(Code::precondition,
                  "the host key of " + shown(endpoint_) + " (" + type_name +
                      ") is not the one that is known",
                  "if the machine was really made anew: ssh-keygen -R '" + shown(endpoint_) +
                      "', then log in once with ssh; if not, somebody may be listening");
    default:
      throw Error(Code::precondition, "the host key of " + shown(endpoint_) + " is not known",
                  "log in once with ssh " + endpoint_.destination + " and compare its fingerprint");
  }
}

}  // namespace workflow::transport
