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
  /// `config`: further lines of its sshd_config.
  explicit Sshd(const std::string& config = {});
  ~Sshd();
  Sshd(const Sshd&) = delete;
  Sshd& operator=(const Sshd&) = delete;

  /// Where it is, as `ssh -G` would tell it.
  [[nodiscard]] transport::Endpoint endpoint() const;
  /// A directory whose `ssh` is the system's with settings in which `pod` is this server.
  [[nodiscard]] fs::path ssh_bin() const { return dir_ / "bin"; }
  /// How many logins it has accepted.
  [[nodiscard]] std::size_t logins() const;
  [[nodiscard]] const fs::path& dir() const { return dir_; }
  [[nodiscard]] int port() const { return port_; }

 private:
  fs::path dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace workflow::test
