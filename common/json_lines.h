#pragma once

#include <functional>
#include <string_view>

#include "common/files.h"
#include "common/json.h"

// Files of one JSON value a line that only grow. A crash may cut the last line short: the next
// append closes it, and readers pass over it.
namespace workflow {

/// Appends a value as a line of its own, whatever the file ends with.
void append_json_line(Files& files, const fs::path& file, const Json& value, WriteMode mode = {});

/// Calls `take` with every line that is whole JSON, in order.
void each_json_line(std::string_view bytes, const std::function<void(Json&&)>& take);

}  // namespace workflow
