#pragma once

#include <string>
#include <string_view>

namespace workflow {

/// A line of a curl config file, for `curl -q --config -`: so addresses and keys stand in no argv.
/// Line breaks in the value are left out: they would begin another line.
[[nodiscard]] std::string curl_line(std::string_view name, std::string_view value);

}  // namespace workflow
