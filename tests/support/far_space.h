#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/reach.h"
#include "tests/support/sshd.h"
#include "tests/support/workspace.h"

namespace workflow::test {

/// A workspace whose target is reached one way: `local`, or `libssh2`, `openssh`, `auto` to a real
/// sshd of its own. The working copy on the target is `far()`.
class FarSpace {
 public:
  explicit FarSpace(const std::string& way, const std::string& settings = {});

  [[nodiscard]] Captured run(std::vector<std::string> words, const std::string& input = {}) const;
  /// Kills the sessions of the sshd: what a lost connection is to both ends.
  void cut() const;
  [[nodiscard]] fs::path far() const { return space.dir() / "far"; }
  [[nodiscard]] const Sshd& sshd() const { return *sshd_; }

  Workspace space;

 private:
  std::unique_ptr<Sshd> sshd_;
};

}  // namespace workflow::test
