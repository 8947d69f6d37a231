#pragma once

#include <vector>

#include "apps/workflow/command.h"

// Which rows of a sweep are meant: the same words in every command (sweep/selection.h).
namespace workflow::app {

inline constexpr Flag only_flag{"--only", "RUN,RUN…", "only these rows", "", true};

/// Of a sweep that was started: what its manifest selected is frozen, so no setting narrows it.
inline const std::vector<Flag> row_flags{
    {"--match", "TEXT", "only rows whose run_id has this, or matches /regex/"},
    {"--start-at", "RUN", "begin with this row"},
    {"--limit", "N", "at most so many rows"},
    only_flag};

[[nodiscard]] inline std::vector<Flag> with_row_flags(std::vector<Flag> flags) {
  flags.insert(flags.end(), row_flags.begin(), row_flags.end());
  return flags;
}

}  // namespace workflow::app
