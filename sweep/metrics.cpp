#include "sweep/metrics.h"

#include <algorithm>
#include <string>

#include "common/error.h"
#include "common/text.h"

namespace workflow::sweep {
namespace {

// An object's keys are found one by one, so both limits keep the cost of a hostile file linear.
constexpr std::size_t longest_line = 64U << 10U;
constexpr std::size_t most_keys = 1000;
constexpr int deepest_line = 16;  // indented printing grows with the square of the depth

enum class As { null, text };

/// Python writes NaN, Infinity and -Infinity, which are not JSON, and a loss that became NaN is
/// the line worth most: outside strings they become null, or strings.
std::string without_nan(std::string_view line, As as) {
  std::string out;
  bool in_string = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (!in_string) {
      std::string_view rest = line.substr(i);
      std::size_t length = rest.starts_with('-') ? 1 : 0;
      rest.remove_prefix(length);
      length += rest.starts_with("NaN") ? 3 : rest.starts_with("Infinity") ? 8 : 0;
      if (length > 1) {
        out += as == As::null ? "null" : '"' + std::string(line.substr(i, length)) + '"';
        i += length - 1;
        continue;
      }
    }
    if (in_string && line[i] == '\\' && i + 1 < line.size()) {
      out += line[i++];
    } else if (line[i] == '"') {
      in_string = !in_string;
    }
    out += line[i];
  }
  return out;
}

Json parsed(std::string_view line, As as = As::null) {
  if (line.size() > longest_line || nesting(line) > deepest_line) return nullptr;
  Json value = Json::parse(line, nullptr, false);
  if (value.is_discarded()) value = Json::parse(without_nan(line, as), nullptr, false);
  return value;
}

void merge(Json& last, Json&& object) {
  for (auto& [key, value] : object.get_ref<Json::object_t&>()) {
    if (last.size() < most_keys || last.contains(key)) last[key] = std::move(value);
  }
}

}  // namespace

int nesting(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if (c == ']' || c == '}') --depth;
  }
  return deepest;
}

Json metrics_object(std::string_view line) {
  Json value = parsed(trim(line));
  return value.is_object() ? value : Json();
}

Metrics read_metrics(std::string_view bytes) {
  Metrics out;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    const std::string_view line = trim(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (line.empty()) continue;
    if (Json value = parsed(line); value.is_object()) {
      ++out.lines;
      merge(out.last, std::move(value));
    } else {
      ++out.bad;
    }
  }
  return out;
}

std::vector<MetricValue> metric_values(std::string_view line) {
  std::vector<MetricValue> out;
  const Json object = parsed(trim(line), As::text);
  if (!object.is_object()) return out;
  for (const auto& [key, value] : object.items()) {
    if (out.size() == most_keys) break;
    if (value.is_number()) {
      out.emplace_back(key, value.get<double>());
    } else if (value.is_string()) {
      const auto number = metric_number(value.get_ref<const std::string&>());
      if (number) out.emplace_back(key, *number);
    }
  }
  return out;
}

std::optional<double> step_of(const Json& object) {
  for (const char* key : step_keys) {
    if (const Json& step = member(object, key); step.is_number()) return step.get<double>();
  }
  return std::nullopt;
}

}  // namespace workflow::sweep
