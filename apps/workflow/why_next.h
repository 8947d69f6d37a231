#pragma once

#include <string>
#include <vector>

#include "common/json.h"

// What is still to come of a run, from the data of run-show, and what its user may do.
namespace workflow::app {

/// Why a row that is pending has not been started; empty for every other.
[[nodiscard]] std::vector<std::string> waiting_lines(const Json& data);

/// What helps, by how it ended.
[[nodiscard]] std::vector<std::string> next_commands(const Json& data);

}  // namespace workflow::app
