#include "remote/transport/known_hosts.h"

#include <libssh2.h>

#include "common/file_lock.h"
#include "common/text.h"
#include "remote/transport/known_lines.h"
#include "remote/transport/refusal.h"

namespace workflow::transport {
namespace {

struct KeyType {
  int known;  ///< LIBSSH2_KNOWNHOST_KEY_*
  const char* name;
};

constexpr KeyType key_types[] = {{LIBSSH2_KNOWNHOST_KEY_ED25519, "ssh-ed25519"},
                                 {LIBSSH2_KNOWNHOST_KEY_ECDSA_256, "ecdsa-sha2-nistp256"},
                                 {LIBSSH2_KNOWNHOST_KEY_ECDSA_384, "ecdsa-sha2-nistp384"},
                                 {LIBSSH2_KNOWNHOST_KEY_ECDSA_521, "ecdsa-sha2-nistp521"},
                                 {LIBSSH2_KNOWNHOST_KEY_SSHRSA, "ssh-rsa"}};

LIBSSH2_KNOWNHOSTS* hosts(void* handle) { return static_cast<LIBSSH2_KNOWNHOSTS*>(handle); }

int check(void* handle, const Endpoint& endpoint, std::string_view key, int type) {
  // An alias stands in the files without a port.
  const bool alias = !endpoint.host_key_alias.empty();
  return libssh2_knownhost_checkp(
      hosts(handle), (alias ? endpoint.host_key_alias : endpoint.host).c_str(),
      alias ? -1 : static_cast<int>(endpoint.port), key.data(), key.size(),
      LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW | type, nullptr);
}

/// The key that the server showed.
struct Shown {
  std::string blob;
  std::string type;
  int known_type = LIBSSH2_KNOWNHOST_KEY_UNKNOWN;
  std::string fingerprint;
  [[nodiscard]] std::string line() const { return type + " " + base64(blob); }
  [[nodiscard]] std::string words() const { return type + " " + fingerprint; }
};

Shown shown_key(LIBSSH2_SESSION* session) {
  Shown key;
  std::size_t size = 0;
  const char* bytes = libssh2_session_hostkey(session, &size, nullptr);
  if (bytes == nullptr) bug("a handshake without a host key");
  key.blob.assign(bytes, size);
  key.type = libssh2_session_methods(session, LIBSSH2_METHOD_HOSTKEY);
  for (const auto& row : key_types) {
    if (row.name == key.type) key.known_type = row.known;
  }
  if (const char* hash = libssh2_hostkey_hash(session, LIBSSH2_HOSTKEY_HASH_SHA256)) {
    std::string text = base64(std::string_view(hash, 32));
    while (text.ends_with('=')) text.pop_back();
    key.fingerprint = "SHA256:" + text;
  }
  return key;
}

/// First contact with a rented pod. ssh appends to the same file, so we do: one write(2), whole.
void store(const Endpoint& endpoint, const Shown& key) {
  const fs::path& file = endpoint.known_hosts.front();
  real_files().make_dirs(file.parent_path());
  const FileLock lock = FileLock::take(file.string() + ".lock", 5'000);
  for (const auto& line : known_lines(endpoint)) {  // somebody may have been faster
    if (line.key == key.line()) return;
    throw host_key_changed(endpoint, key.words(), line.place);
  }
  real_files().append(file, endpoint.host_key_alias + " " + key.line() + "\n", {.mode = 0600});
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
  const Shown key = shown_key(session_);
  const int verdict = check(hosts_, endpoint_, key.blob, key.known_type);
  if (verdict != LIBSSH2_KNOWNHOST_CHECK_MATCH) return no_match(verdict);
  if (!revokes_keys(endpoint_)) return;
  for (const auto& line : known_lines(endpoint_)) {
    if (line.kind == KnownLine::Kind::revoked && line.key == key.line()) {
      throw host_key_revoked(endpoint_, key.words());
    }
  }
}

void KnownHosts::no_match(int verdict) const {
  const Shown key = shown_key(session_);
  if (!endpoint_.pod_id.empty() && verdict == LIBSSH2_KNOWNHOST_CHECK_NOTFOUND) {
    return store(endpoint_, key);
  }
  const auto lines = known_lines(endpoint_);
  for (const auto& line : lines) {
    if (line.kind == KnownLine::Kind::revoked && line.key == key.line()) {
      throw host_key_revoked(endpoint_, key.words());
    }
  }
  if (!endpoint_.trusts_otherwise.empty()) throw NotForLibssh2(endpoint_.trusts_otherwise);
  std::string place;
  for (const auto& line : lines) {
    if (line.kind == KnownLine::Kind::authority) {
      throw NotForLibssh2("a certificate authority may vouch for its host key");
    }
    if (line.kind == KnownLine::Kind::key && line.key == key.line()) {
      throw NotForLibssh2("its host key is known by a pattern");
    }
    // A key under the bare name belongs to another server of that machine.
    if (line.kind == KnownLine::Kind::key && line.by_port && place.empty()) place = line.place;
  }
  if (!place.empty()) throw host_key_changed(endpoint_, key.words(), place);
  throw host_key_unknown(endpoint_, key.words());
}

}  // namespace workflow::transport
