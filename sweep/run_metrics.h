#pragma once

#include <cstdint>

#include "common/files.h"
#include "sweep/metrics.h"
#include "tasks/record.h"

namespace workflow::sweep {

/// The last metrics of an attempt in `dir`, from the last `tail_bytes` of what it wrote: its
/// metrics.jsonl or, where that holds none, its log read by the METRIC_PATTERNS of its spec. Never
/// throws: a training may have written anything.
[[nodiscard]] Metrics run_metrics(const fs::path& dir, const tasks::TaskSpec& spec,
                                  std::int64_t tail_bytes);

/// The patterns that an attempt was started with; none where it was started without.
[[nodiscard]] MetricPatterns patterns_of(const tasks::TaskSpec& spec);

/// What a log's bytes tell by patterns, whole lines and progress bars alike ('\r' ends a line too).
[[nodiscard]] Metrics read_log_metrics(std::string_view bytes, const MetricPatterns& patterns);

}  // namespace workflow::sweep
