#pragma once

#include "common/json.h"
#include "sweep/campaign.h"
#include "tasks/site.h"

namespace workflow::sweep {

/// What became of a row's id before this campaign, newest first: `{campaign_id, state, ended_at,
/// git_sha, where, changed[{what, from, to}]}`. `changed` are the inputs that are not what they
/// were then (git_sha, config, seed, overrides, and env, whose values records do not tell); with
/// none of them the result would have been the same.
[[nodiscard]] Json earlier_runs(const tasks::Site& site, const Row& row, const Campaign& campaign);

}  // namespace workflow::sweep
