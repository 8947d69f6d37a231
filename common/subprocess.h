#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/spawn.h"

namespace workflow {

/// What a program printed and how it ended. Without `started` the reason is in `err`.
struct Captured {
  bool started = true;
  bool timed_out = false;
  bool interrupted = false;
  ExitStatus status;
  std::string out;
  std::string err;
  [[nodiscard]] bool ok() const { return started && !timed_out && !interrupted && status.ok(); }
};

struct CaptureSpec {
  std::vector<std::string> argv{};
  std::optional<std::vector<std::string>> env{};
  fs::path workdir{};
  std::string input{};
  std::int64_t limit_ms = 30'000;  ///< after this the program's process group is killed
  int interrupt_fd = -1;           ///< readable: it is killed now
};

/// Runs a short program to its end with both streams drained at once.
[[nodiscard]] Captured capture(const CaptureSpec& spec);

}  // namespace workflow
