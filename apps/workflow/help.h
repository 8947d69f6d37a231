#pragma once

#include <string>

#include "apps/workflow/command.h"

namespace workflow::app {

/// The overview: every command by family, the global flags, where to begin.
[[nodiscard]] std::string overview_help();

/// One command: usage, arguments, flags, where it is legal (from the transition table).
[[nodiscard]] std::string command_help(const Command& command);

/// The commands that begin with a word, `task` for one.
[[nodiscard]] std::string family_help(std::string_view word);

/// A completion script for bash, zsh or fish; Error(usage) for another shell.
[[nodiscard]] std::string completion_script(const std::string& shell);

}  // namespace workflow::app
