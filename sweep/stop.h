#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tasks/keeper.h"
#include "tasks/site.h"

namespace workflow::sweep {

struct Stopped {
  std::string campaign_id;
  std::vector<std::string> runs;  ///< that were going and were ended
  std::int64_t pending = 0;       ///< rows that will not start any more
  std::vector<std::string> notes{};
};

/// Ends the sweep: first it is marked as stopped, so that nobody takes it for completed or for
/// stalled; then its executor ends, so that nothing new starts, then every run that is going
/// (TERM, grace, KILL), then the rest of the rows; the state moves when all of it is so.
Stopped stop_sweep(const tasks::Site& site, const tasks::Ask& ask,
                   const std::function<void(const std::string&)>& say);

}  // namespace workflow::sweep
