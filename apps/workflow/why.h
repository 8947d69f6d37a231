#pragma once

#include "apps/workflow/command.h"

namespace workflow::app {

/// What became of a run: its ending, the line of its log that proves it, its attempts.
Outcome why(Context& context);

/// The same as lines, from the data of run-show; marks of colours in them.
[[nodiscard]] std::vector<std::string> why_lines(const Json& data);

}  // namespace workflow::app
