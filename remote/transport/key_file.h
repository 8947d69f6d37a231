#pragma once

#include <string>

#include "common/files.h"

namespace workflow::transport {

/// What can be known of a private key, or of the public half of one that an agent holds, without
/// its passphrase.
struct KeyFile {
  bool there = false;
  bool is_private = false;
  bool encrypted = false;
  bool has_certificate = false;  ///< `-cert.pub` beside it, which ssh offers by itself
  std::string type;              ///< `ssh-ed25519` …; empty: not known
  std::string blob;              ///< the public key as it goes over the wire; empty: not known
};

/// Reads OpenSSH and PEM keys, public keys, and the `.pub` beside them.
[[nodiscard]] KeyFile read_key_file(const fs::path& path);

/// The type that a public key begins with on the wire.
[[nodiscard]] std::string key_type(std::string_view blob);

/// Whether libssh2 1.10 can sign with it so that a server of today accepts it: RSA only with SHA-1,
/// security keys and certificates not at all.
[[nodiscard]] bool libssh2_signs(const std::string& type);

}  // namespace workflow::transport
