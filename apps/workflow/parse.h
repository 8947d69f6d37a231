#pragma once

#include <map>
#include <string>
#include <vector>

#include "apps/workflow/command.h"

namespace workflow::app {

/// A command line as it was understood.
struct Parsed {
  const Command* command = nullptr;  ///< null: help or version was asked for, or nothing at all
  Globals globals;
  Arguments arguments;
  std::map<std::string, std::string> settings;  ///< keys of workflow.env given as flags
  std::string help_for;                         ///< the command whose help was asked for
  bool help = false;
  bool version = false;
};

/// Reads a command line. Error(usage) names what was not understood and the nearest that exists.
[[nodiscard]] Parsed parse_command_line(std::vector<std::string> words);

}  // namespace workflow::app
