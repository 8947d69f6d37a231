#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"

namespace workflow::client {

/// One run's line in a chart.
struct ChartLine {
  std::string name;
  Json points;       ///< `[[step,value]...]`, a NaN as null
  bool bad = false;  ///< the run ended badly: dashed
  double hue = 0;    ///< degrees
};

/// The lines as inline SVG: log scale where values are positive and span two decades, a break where
/// a value is NaN, each line with its name as a title. Empty when there is nothing to draw.
[[nodiscard]] std::string chart_svg(const std::vector<ChartLine>& lines);

/// Text that stands in HTML, in an attribute too: markup, quotes and control characters do nothing
/// there.
[[nodiscard]] std::string html_text(std::string_view text);

/// A number for people: `0.412`, `1.2e-06`.
[[nodiscard]] std::string number_text(double value);

}  // namespace workflow::client
