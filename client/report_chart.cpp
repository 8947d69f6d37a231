#include "client/report_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "common/text.h"

namespace workflow::client {
namespace {

constexpr double width = 720;
constexpr double height = 280;
constexpr double left = 64;
constexpr double top = 10;
constexpr double bottom = 26;
constexpr double right = 12;

/// The values that a chart spans.
struct Span {
  double low = INFINITY;
  double high = -INFINITY;
  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool empty() const { return low > high; }
  /// Where a value stands, from 0 to 1.
  [[nodiscard]] double part(double value) const {
    return high > low ? (value - low) / (high - low) : 0.5;
  }
};

struct Axes {
  Span steps;
  Span values;
  bool log = false;
  [[nodiscard]] double x(double step) const {
    return left + steps.part(step) * (width - left - right);
  }
  [[nodiscard]] double y(double value) const {
    const double part =
        log ? Span{std::log10(values.low), std::log10(values.high)}.part(std::log10(value))
            : values.part(value);
    return height - bottom - part * (height - top - bottom);
  }
};

bool has_value(const Json& point) {
  return point.is_array() && point.size() == 2 && point[0].is_number() && point[1].is_number();
}

Axes axes_of(const std::vector<ChartLine>& lines) {
  Axes axes;
  for (const auto& line : lines) {
    for (const auto& point : line.points) {
      if (!has_value(point)) continue;
      axes.steps.add(point[0].get<double>());
      axes.values.add(point[1].get<double>());
    }
  }
  axes.log = axes.values.low > 0 && axes.values.high > 100 * axes.values.low;
  return axes;
}

std::string fixed(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  std::string out = text.data();
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return out;
}

/// The `d` of a path; a NaN lifts the pen.
std::string path_of(const ChartLine& line, const Axes& axes) {
  std::string path;
  bool down = false;
  for (const auto& point : line.points) {
    if (!has_value(point)) {
      down = false;
      continue;
    }
    path += (down ? "L" : "M") + fixed(axes.x(point[0].get<double>())) + " " +
            fixed(axes.y(point[1].get<double>()));
    down = true;
  }
  return path;
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + fixed(x) + "\" y=\"" + fixed(y) + "\" text-anchor=\"" + anchor + "\">" +
         html_text(text) + "</text>\n";
}

std::string grid(const Axes& axes) {
  std::string out;
  for (const double part : {0.0, 0.5, 1.0}) {
    const Span& values = axes.values;
    const double value = axes.log ? values.low * std::pow(values.high / values.low, part)
                                  : values.low + part * (values.high - values.low);
    const double y = axes.y(value);
    out += "<path class=\"grid\" d=\"M" + fixed(left) + " " + fixed(y) + "H" +
           fixed(width - right) + "\"/>\n" + label(left - 6, y + 4, "end", number_text(value));
  }
  out += label(left, height - 8, "start", number_text(axes.steps.low));
  out += label(width - right, height - 8, "end", number_text(axes.steps.high));
  out += label((left + width) / 2, height - 8, "middle", axes.log ? "step · log scale" : "step");
  return out;
}

}  // namespace

std::string number_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

std::string html_text(std::string_view text) {
  std::string out;
  const std::string valid = valid_utf8(text) ? std::string(text) : dump_json(Json(text));
  for (const char c : valid) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n' ? ' ' : c;
    }
  }
  return out;
}

std::string chart_svg(const std::vector<ChartLine>& lines) {
  const Axes axes = axes_of(lines);
  if (axes.values.empty()) return {};
  std::string out = "<svg viewBox=\"0 0 " + fixed(width) + " " + fixed(height) +
                    "\" role=\"img\">\n" + grid(axes);
  for (const auto& line : lines) {
    const std::string path = path_of(line, axes);
    if (path.empty()) continue;
    out += "<path class=\"" + std::string(line.bad ? "curve bad" : "curve") +
           "\" style=\"--h:" + fixed(line.hue) + "\" d=\"" + path + "\"><title>" +
           html_text(line.name) + "</title></path>\n";
  }
  return out + "</svg>\n";
}

}  // namespace workflow::client
