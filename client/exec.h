#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "client/session.h"

namespace workflow::client {

/// A command that ends with the connection; for one that outlives it there is task_run.
struct ExecRequest {
  std::string cmd{};                ///< text for bash …
  std::vector<std::string> argv{};  ///< … or a program and its words
  std::string workdir{};
  std::vector<std::string> env{};  ///< `K=V`
  int stdin_fd = -1;               ///< what it reads; -1: nothing
};

/// Told what the command writes, as it is but for the values of WF_SECRETS: `err` or else stdout.
using OnOutput = std::function<void(bool err, std::string_view bytes)>;

/// Runs a command on the target: `exit_code`, or `signal` and `signal_number`, and `reason` when it
/// could not be started. Error(detached) at Ctrl-C: it was ended with the connection.
[[nodiscard]] Json exec(Session& session, const ExecRequest& request, const OnOutput& on_output);

}  // namespace workflow::client
