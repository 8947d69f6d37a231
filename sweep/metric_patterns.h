#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sweep/regex.h"

// METRIC_PATTERNS: how metrics are read from the lines of a log. `NAME; NAME=WORDS; NAME=REGEX`:
//   loss                      the word, then spaces, ':' or '=', then a number
//   loss=train loss           the same with other words before the number (a regex without groups)
//   loss=avg loss \(([^)]+)   the first group that captured a number
// ';' within a regex is written '\;'.
namespace workflow::sweep {

/// A metric's name and value as a line tells it; NaN and infinities as they are.
using MetricValue = std::pair<std::string, double>;

class MetricPatterns {
 public:
  MetricPatterns() = default;
  /// Error(usage) that names the setting and the column of the fault in its value.
  explicit MetricPatterns(std::string_view setting);

  [[nodiscard]] bool empty() const { return patterns_.empty(); }
  /// What one line of a log tells, in the order of the patterns. Of a long line only the first
  /// 4 KiB are read.
  [[nodiscard]] std::vector<MetricValue> values(std::string_view line) const;

 private:
  struct Pattern {
    std::string key;
    Regex regex;
  };
  std::vector<Pattern> patterns_;
};

/// What is wrong with a value of METRIC_PATTERNS, and at which column; nothing when it is good.
[[nodiscard]] std::optional<std::string> metric_patterns_fault(std::string_view setting);

/// A number as logs write it, with a sign, an exponent, `nan` or `inf`; nothing for anything else.
[[nodiscard]] std::optional<double> metric_number(std::string_view text);

/// A line as a person saw it: without the escapes of colours, without control characters.
[[nodiscard]] std::string plain_line(std::string_view line);

}  // namespace workflow::sweep
