#include "apps/workflow/sparkline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

namespace workflow::app {
namespace {

constexpr std::array<const char*, 5> heights{"▁", "▂", "▃", "▅", "▇"};

/// What one column stands for: the mean of its values; nothing where one of them is NaN.
std::vector<std::optional<double>> columns_of(const Json& values, std::size_t width) {
  std::vector<std::optional<double>> columns(std::min(width, values.size()));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::size_t begin = i * values.size() / columns.size();
    const std::size_t end = (i + 1) * values.size() / columns.size();
    double sum = 0;
    bool whole = true;
    for (std::size_t at = begin; at < end; ++at) {
      whole = whole && values[at].is_number();
      if (whole) sum += values[at].get<double>();
    }
    if (whole) columns[i] = sum / static_cast<double>(end - begin);
  }
  return columns;
}

}  // namespace

std::string sparkline(const Json& values, std::size_t width) {
  if (!values.is_array() || values.empty() || width == 0) return {};
  const auto columns = columns_of(values, width);
  double low = INFINITY;
  double high = -INFINITY;
  for (const auto& value : columns) {
    low = std::min(low, value.value_or(low));
    high = std::max(high, value.value_or(high));
  }
  std::string out;
  for (const auto& value : columns) {
    if (!value || !std::isfinite(*value)) {
      out += "!";
      continue;
    }
    const double part = high > low ? (*value - low) / (high - low) : 0.5;
    out += heights[static_cast<std::size_t>(std::lround(part * (heights.size() - 1)))];
  }
  return out;
}

std::string metric_text(const Json& value) {
  if (value.is_null()) return "NaN";
  if (!value.is_number()) return "–";
  const double number = value.get<double>();
  const double size = std::abs(number);
  const bool plain = number == 0 || (size >= 0.001 && size < 100000);
  std::array<char, 32> text{};
  if (plain && value.is_number_integer()) {
    std::snprintf(text.data(), text.size(), "%lld", static_cast<long long>(number));
  } else {
    std::snprintf(text.data(), text.size(),
                  !plain         ? "%.2e"
                  : size >= 1000 ? "%.1f"
                                 : "%.3f",
                  number);
  }
  return text.data();
}

}  // namespace workflow::app
