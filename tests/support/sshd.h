#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/files.h"
#include "remote/transport/endpoint.h"

namespace workflow::test {

/// A real sshd on a free loopback port with keys of its own, and a user's ssh settings for it.
/// Ends with the object.
class Sshd {
 public:
  /// `config`: lines that go before those of its sshd_config; `key_type`: of its host key, as
  /// ssh-keygen calls it.
  explicit Sshd(const std::string& config = {}, const std::string& key_type = "ed25519");
  ~Sshd();
  Sshd(const Sshd&) = delete;
  Sshd& operator=(const Sshd&) = delete;

  /// Where it is, as `ssh -G` would tell it.
  [[nodiscard]] transport::Endpoint endpoint() const;
  /// A directory whose `ssh` is the system's with settings in which `pod` is this server.
  [[nodiscard]] fs::path ssh_bin() const { return dir_ / "bin"; }
  /// How many logins it has accepted, and how many connections there were.
  [[nodiscard]] std::size_t logins() const { return count("Accepted publickey"); }
  [[nodiscard]] std::size_t connections() const { return count("Connection from"); }
  /// How often its log says so.
  [[nodiscard]] std::size_t count(std::string_view words) const;
  /// What known_hosts calls it.
  [[nodiscard]] std::string name() const { return "[127.0.0.1]:" + std::to_string(port_); }
  /// Who logs in there.
  [[nodiscard]] static std::string user();
  [[nodiscard]] const fs::path& dir() const { return dir_; }
  [[nodiscard]] int port() const { return port_; }

 private:
  fs::path dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

/// Makes a key pair at `path` and `path`.pub.
void make_key(const fs::path& path, const std::string& type = "ed25519",
              const std::string& passphrase = {});

}  // namespace workflow::test
