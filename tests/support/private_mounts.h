#pragma once

#include <string>

#include "common/files.h"

namespace workflow::test {

/// Takes this process into a mount namespace of its own; false where the system does not let us.
[[nodiscard]] bool private_mounts();

/// The same for a test that is nothing without them: throws.
void need_private_mounts();

/// A tmpfs that only this process and what it starts can see; it goes with the object. `flags` are
/// those of mount(2). Needs `private_mounts()`.
class Tmpfs {
 public:
  Tmpfs(const fs::path& at, unsigned long flags, const std::string& size = "512m");
  ~Tmpfs();
  Tmpfs(const Tmpfs&) = delete;
  Tmpfs& operator=(const Tmpfs&) = delete;

 private:
  fs::path at_;
};

}  // namespace workflow::test
