#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/workflow/watch_model.h"

namespace workflow::app {

/// When it is drawn: by the wall clock for how long a run goes, by the steady one for how old what
/// is shown is.
struct Now {
  std::int64_t wall_ms = 0;
  std::int64_t steady_ms = 0;
};

/// The live view of a sweep as the lines of a screen, with marks of colours; as many as it has rows
/// at the most. Cells are cut so that nothing wraps.
[[nodiscard]] std::vector<std::string> watch_lines(const WatchModel& model, Size size, Now now);

/// `9 s`, `16 min`, `5.2 h`, `3.1 d`: at most seven columns.
[[nodiscard]] std::string short_duration(std::int64_t seconds);

}  // namespace workflow::app
