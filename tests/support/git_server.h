#pragma once

#include <sys/types.h>

#include <string>

#include "common/files.h"

namespace workflow::test {

/// A real git over HTTP on a free loopback port that wants a password; ends with the object.
class GitServer {
 public:
  /// Serves the repositories below `root`; keeps its own files in `dir`.
  GitServer(const fs::path& root, const fs::path& dir, const std::string& password);
  ~GitServer();
  GitServer(const GitServer&) = delete;
  GitServer& operator=(const GitServer&) = delete;

  /// `http://LOGIN@127.0.0.1:PORT/NAME`.
  [[nodiscard]] std::string url(const std::string& name, const std::string& login = {}) const;
  /// The names that logged in, one a line; `-` for a request without.
  [[nodiscard]] std::string log() const;

 private:
  fs::path dir_;
  std::string port_;
  pid_t pid_ = -1;
};

}  // namespace workflow::test
