#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "sweep/metric_patterns.h"

namespace workflow::sweep {

/// What a metrics.jsonl says: one JSON object a line, such as {"step":10,"loss":0.5}.
struct Metrics {
  Json last = Json::object();  ///< the latest value of every key; NaN and infinities are null
  std::int64_t lines = 0;      ///< objects read
  std::int64_t bad = 0;        ///< lines passed over: torn, no object, or too long
};

/// How deep brackets are nested in a text, whatever else it is.
[[nodiscard]] int nesting(std::string_view text);

/// One line as the object it holds, NaN and infinities null; null for a line that is none, is torn
/// or is too long to be one.
[[nodiscard]] Json metrics_object(std::string_view line);

/// Reads what a training wrote; never throws, since the file may be torn or hold anything.
[[nodiscard]] Metrics read_metrics(std::string_view bytes);

/// The names that trainings give to the step, the first that is there counting.
inline constexpr std::array step_keys{"step", "_step", "global_step", "iteration", "iter"};

/// The step that an object of metrics tells; nothing where it tells none.
[[nodiscard]] std::optional<double> step_of(const Json& object);

/// The numbers of one line of a metrics.jsonl; here NaN and infinities are what they are, also
/// where they stand as texts ("NaN"). A null says nothing: it may be a value that was not measured.
[[nodiscard]] std::vector<MetricValue> metric_values(std::string_view line);

}  // namespace workflow::sweep
