#pragma once

#include <string>
#include <vector>

#include "client/session.h"

// Programs of this machine that a command becomes: a shell on the target, a window of its tmux.
namespace workflow::client {

/// The words of a program of this machine, and where it runs; empty: here.
struct Program {
  std::vector<std::string> argv;
  std::string dir{};
};

/// A login shell on the target or, with `words`, that program in the working copy there.
[[nodiscard]] Program shell(Session& session, const std::vector<std::string>& words);

/// A task's tmux window, opened again if it is gone. Error(precondition) when there is no tmux on
/// the target.
[[nodiscard]] Program task_window(Session& session, const std::string& task_id);

}  // namespace workflow::client
