#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "sweep/csv_lines.h"

namespace workflow::sweep {

/// The columns a manifest may have, in the order of `column_names`.
enum class Column { run_id, config, seed, overrides, notes, gpus, timeout_secs, max_retries, env };

inline constexpr std::array<std::string_view, 9> column_names{
    "run_id", "config", "seed", "overrides", "notes", "gpus", "timeout_secs", "max_retries", "env"};

/// The values of one row; what has no column is empty.
using Fields = std::array<std::string, column_names.size()>;

/// Splits clean lines with fast-cpp-csv-parser; `header` names each column, "" one to ignore.
[[nodiscard]] std::vector<Fields> read_fields(const std::vector<std::string>& header,
                                              const std::vector<CsvLine>& rows);

}  // namespace workflow::sweep
