#include "sweep/eta.h"

#include <algorithm>
#include <cmath>

#include "common/clock.h"

namespace workflow::sweep {
namespace {

/// How much of a running row is done, from 0 to 1; 0 when its metrics do not tell.
double done_part(const RowState& row) {
  const Json& metrics = member(row.result, "metrics");
  const Json& step = member(metrics, "step");
  const Json& total = member(metrics, "total_steps");
  if (!step.is_number() || !total.is_number() || total.get<double>() <= 0) return 0;
  return std::clamp(step.get<double>() / total.get<double>(), 0.0, 1.0);
}

/// Mean seconds of a whole row, from rows that tell it.
struct Pace {
  double seconds = 0;
  std::int64_t rows = 0;
  void add(double row_seconds) {
    seconds += row_seconds;
    rows += 1;
  }
  [[nodiscard]] double mean() const { return seconds / static_cast<double>(rows); }
};

}  // namespace

std::optional<std::int64_t> eta_secs(const std::vector<RowState>& rows, std::int64_t now_ms) {
  Pace ended;
  Pace going;
  std::vector<double>
      unheard;  ///< seconds so far of running rows that do not tell how far they are
  double left = 0;
  std::int64_t running = 0;
  for (const auto& row : rows) {
    const Json& took = member(row.result, "seconds");
    if (row.state == RunState::success && !row.skipped && took.is_number()) {
      ended.add(took.get<double>());
    }
    if (fsm::is_ended(row.state)) continue;
    const double done = row.state == RunState::running ? done_part(row) : 0;
    left += 1 - done;
    if (row.state != RunState::running) continue;
    running += 1;
    const auto since = parse_utc(row.started_at);
    if (!since) continue;
    const double so_far = static_cast<double>(now_ms - *since) / 1000.0;
    if (done > 0) going.add(so_far / done);
    if (done == 0) unheard.push_back(so_far);
  }
  if (left == 0) return 0;
  Pace pace = ended.rows > 0 ? ended : going;
  if (pace.rows == 0) return std::nullopt;
  // What takes longer than the others did says that rows take longer.
  const double usual = pace.mean();
  for (const double seconds : unheard) {
    if (seconds > usual) pace.add(seconds);
  }
  const double side_by_side = static_cast<double>(std::max<std::int64_t>(1, running));
  // Rounded up, but not for the last bits of a sum of parts.
  return static_cast<std::int64_t>(std::ceil(pace.mean() * left / side_by_side - 1e-6));
}

}  // namespace workflow::sweep
