#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/spawn.h"
#include "remote/protocol/stream.h"

namespace workflow::agent {

/// A command that lives as long as the connection it came by.
struct CommandSpec {
  std::vector<std::string> argv{};
  std::vector<std::string> env{};
  fs::path workdir{};
  std::int64_t grace_ms = 30'000;  ///< between TERM and KILL when the client has gone
};

struct CommandEnd {
  ExitStatus status;
  std::string not_started{};  ///< why, when it never ran
  int start_error = 0;        ///< errno of that
};

/// Told what the command writes: `err` or else its stdout; false when nobody hears it any more.
using OnOutput = std::function<bool(bool err, std::string_view bytes)>;

/// Runs it with the client's stream as its stdin until it ends. When the client goes first, its
/// process group gets TERM, the grace, KILL, and the end is Error(unreachable). What the command
/// left in the background is its own affair.
[[nodiscard]] CommandEnd run_command(const CommandSpec& spec, protocol::Pieces input,
                                     const OnOutput& on_output);

}  // namespace workflow::agent
