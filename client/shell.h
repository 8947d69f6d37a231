#pragma once

#include <string>
#include <vector>

#include "client/session.h"

// Programs of this machine that a command becomes: a shell on the target, a window of its tmux.
namespace workflow::client {

/// A login shell on the target: the words of a program to become.
[[nodiscard]] std::vector<std::string> shell_argv(const Settings& settings);

/// A task's tmux window, opened again if it is gone: the words of a program to become.
/// Error(precondition) when there is no tmux on the target.
[[nodiscard]] std::vector<std::string> attach_argv(Session& session, const std::string& task_id);

}  // namespace workflow::client
