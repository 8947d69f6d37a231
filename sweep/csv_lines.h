#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

// Where everything stands in a CSV file. The CSV library stops at the first fault and knows no
// columns, so lines are scanned here first, every fault is told, and only clean lines reach it.
namespace workflow::sweep {

/// One field as it stands in the file: without the blanks around it, with its quotes.
struct Cell {
  std::size_t column = 0;  ///< 1-based byte column in the line, a byte order mark not counted
  std::string_view raw;
};

/// One line that holds fields; `text` has no line end.
struct CsvLine {
  std::size_t number = 0;
  std::string_view text;
  std::vector<Cell> cells;
};

/// The clean lines of a file and what is wrong with the others; views point into the bytes read.
struct CsvLines {
  std::optional<CsvLine> header;  ///< absent when the file has none or it has a fault itself
  std::vector<CsvLine> rows;      ///< each with as many cells as the header
  std::vector<Fault> faults;      ///< in line order
};

/// Longest line that is read, in bytes: far above what an argument of a process may hold.
inline constexpr std::size_t longest_csv_line = std::size_t{1} << 20U;

/// Scans RFC 4180 text; blank lines and lines that start with '#' are no lines of it.
[[nodiscard]] CsvLines scan_csv(std::string_view bytes, std::string_view file_name);

/// The value of a cell: quotes around it taken off, doubled ones inside made single.
[[nodiscard]] std::string cell_value(std::string_view raw);

/// A value as a message shows it: one line, cut to about 60 bytes, nothing a terminal obeys.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace workflow::sweep
