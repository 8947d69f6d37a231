#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

// workflow.env is read here and never executed. What a key means is settings_table.h's business;
// this file only knows the grammar (README, "Configuration").
namespace workflow::client {

/// How a variable of the environment is asked for; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view)>;

/// One KEY=VALUE; line and column of the value's first character count from 1.
struct EnvEntry {
  std::string key;
  std::string value;
  std::size_t line = 0;
  std::size_t column = 0;
};

/// Every key once, in the order of the lines that won; a key set twice is a warning.
struct EnvFile {
  std::vector<EnvEntry> entries;
  std::vector<Fault> warnings;
};

/// Reads the bytes of a workflow.env. `${VAR}` is a key further up, else the environment's.
/// Columns count characters. Throws one usage error that carries every fault of the file.
[[nodiscard]] EnvFile parse_env_file(std::string_view bytes, std::string_view file_name,
                                     const Environment& environment);

}  // namespace workflow::client
