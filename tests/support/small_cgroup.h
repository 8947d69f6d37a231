#pragma once

#include <cstdint>

#include "common/files.h"

namespace workflow::test {

/// A memory cgroup of our own with a limit, of version 2 or 1, whichever this machine has; throws
/// where it cannot be made, because a test of the OOM killer is nothing without it. Processes that
/// are still in it when it goes are ended.
class SmallCgroup {
 public:
  explicit SmallCgroup(std::int64_t limit_bytes);
  ~SmallCgroup();
  SmallCgroup(const SmallCgroup&) = delete;
  SmallCgroup& operator=(const SmallCgroup&) = delete;

  /// This process, and whatever it starts from now on, is in it …
  void enter() const;
  /// … and this process is back where it was; what it started stays.
  void leave() const;

 private:
  fs::path dir_;
  fs::path home_;  ///< of this process before
};

}  // namespace workflow::test
