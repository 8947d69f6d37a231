#pragma once

#include "sweep/start.h"

namespace workflow::sweep {

/// sweep-start --retry-failed: its selection named row by row, from what did not end well in the
/// last campaign here; any other request as it is. A retry that is going or has stalled keeps its
/// rows, so that the same command attaches to it. Error(not_found) when there was no campaign, or
/// when nothing of it failed.
[[nodiscard]] SweepAsk with_failed_rows(const tasks::Site& site, const SweepAsk& ask);

}  // namespace workflow::sweep
