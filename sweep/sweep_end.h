#pragma once

#include <functional>
#include <string>

#include "sweep/campaign.h"
#include "tasks/site.h"

// What an executor has to do with the state record: is it the one that is meant, and how it ended.
namespace workflow::sweep {

/// True when the state names this process's task as the executor of the campaign. Whoever started
/// it may have been killed before the state was written: then nobody knows of it, and another sweep
/// may start at any moment.
[[nodiscard]] bool names_this_executor(const tasks::Site& site, const Campaign& campaign);

/// Moves the state at the end of a campaign: every row has ended, or the breaker is open. False,
/// and nothing is moved, when under the state's lock there is `more` to do.
[[nodiscard]] bool end_sweep(const tasks::Site& site, const Campaign& campaign, fsm::Event event,
                             const std::string& reason, const std::function<bool()>& more);

}  // namespace workflow::sweep
