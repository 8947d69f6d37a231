#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sweep/row_index.h"

namespace workflow::sweep {

/// Seconds until every row has ended: what is left of the rows, at the pace of those that ended
/// well or, before any has, of those that run, as many side by side as run now. A running row whose
/// metrics tell `step` and `total_steps` counts for the part that is left of it. Nothing while no
/// pace is known; 0 when all have ended.
[[nodiscard]] std::optional<std::int64_t> eta_secs(const std::vector<RowState>& rows,
                                                   std::int64_t now_ms);

}  // namespace workflow::sweep
