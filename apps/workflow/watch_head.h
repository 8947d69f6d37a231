#pragma once

#include <string>
#include <vector>

#include "apps/workflow/watch_lines.h"

// What stands above and below the table of the live view.
namespace workflow::app {

/// Campaign and state, progress, GPUs.
[[nodiscard]] std::vector<std::string> head_lines(const WatchModel& model, Size size, Now now);

/// The last line: what was said, what is being typed, or the keys that do something here.
[[nodiscard]] std::string key_line(const WatchModel& model);

[[nodiscard]] std::vector<std::string> help_lines();

}  // namespace workflow::app
