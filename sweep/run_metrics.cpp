#include "sweep/run_metrics.h"

#include <algorithm>
#include <cmath>

namespace workflow::sweep {
namespace {

constexpr std::int64_t most_log = 256 * 1024;

/// Whole numbers as such: a step is told as 10, not as 10.0.
Json json_number(double value) {
  if (!std::isfinite(value)) return nullptr;
  const double whole = std::nearbyint(value);
  if (whole == value && std::abs(value) < 1e15) return static_cast<std::int64_t>(whole);
  return value;
}

}  // namespace

MetricPatterns patterns_of(const tasks::TaskSpec& spec) {
  const std::string setting = text_at(spec.owner, "metric_patterns");
  return metric_patterns_fault(setting) ? MetricPatterns() : MetricPatterns(setting);
}

Metrics read_log_metrics(std::string_view bytes, const MetricPatterns& patterns) {
  Metrics out;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find_first_of("\r\n"), bytes.size());
    const auto values = patterns.values(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    if (values.empty()) continue;
    ++out.lines;
    for (const auto& [key, value] : values) out.last[key] = json_number(value);
  }
  return out;
}

Metrics run_metrics(const fs::path& dir, const tasks::TaskSpec& spec, std::int64_t tail_bytes) {
  FileTail file = read_tail(dir / "metrics.jsonl", tail_bytes);
  if (file.offset > 0) file.bytes.erase(0, file.bytes.find('\n') + 1);
  Metrics told = read_metrics(file.bytes);
  if (told.lines > 0) return told;
  const MetricPatterns patterns = patterns_of(spec);
  if (patterns.empty()) return told;
  const FileTail log = read_tail(dir / "stdout.log", std::min(tail_bytes, most_log));
  return read_log_metrics(log.bytes, patterns);
}

}  // namespace workflow::sweep
