#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "sweep/campaign.h"
#include "sweep/row_index.h"
#include "tasks/site.h"

// SWEEP_END_CMD and SWEEP_END_WEBHOOK: how a sweep tells its user that it has ended or stalled
// while no client is there. What becomes of a hook never changes a verdict.
namespace workflow::sweep {

/// The document that hooks get (workflow.sweep-event/1): campaign, state, reason, counts, the first
/// twenty rows that did not end well, the outputs directory, and one sentence for people (`text`).
[[nodiscard]] Json end_event(const tasks::Site& site, const Campaign& campaign,
                             const std::vector<RowState>& rows, fsm::State state,
                             const std::string& reason);

/// Starts the hooks with an event in a process of their own, so that nobody waits for them; its
/// output goes to our stdout, the log of the sweep. Nothing happens where no hook is set. Never
/// throws: gives why it could not be started, else nothing. Call it when the state has been moved.
[[nodiscard]] std::optional<std::string> tell_end(const tasks::Site& site, const Campaign& campaign,
                                                  const Json& event);

/// What that process does (`agent tell-end DIR`): runs the hooks of the campaign in `dir` with the
/// event that lies there and records the outcome in `hook.json` (workflow.sweep-hook/1).
int run_end_hooks(Files& files, const Clock& clock, const fs::path& dir);

/// What a user should know of the hooks before a sweep begins: a webhook without curl here.
[[nodiscard]] std::vector<std::string> end_hook_notes(const tasks::Site& site);

}  // namespace workflow::sweep
