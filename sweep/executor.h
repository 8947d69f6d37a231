#pragma once

#include "common/clock.h"
#include "common/files.h"
#include "tasks/site.h"

namespace workflow::sweep {

/// Schedules the rows of a campaign until every one has ended: adopts what runs, starts what fits,
/// tries again what may go away by itself, applies what people ask of single runs, and moves the
/// state at the end. It only schedules: every run has a supervisor of its own, so that this process
/// may die at any instant and another one go on. Its stdout is the log of the sweep. Returns the
/// exit code of the process.
int execute_campaign(Files& files, const Clock& clock, const fs::path& campaign_dir);

/// Applies the operations of a campaign that has no executor, starting nothing; returns when none
/// is due, or when those that are wait for a run to end: call again. False, and nothing is done,
/// while somebody else holds the campaign's executor lock.
[[nodiscard]] bool apply_operations(const tasks::Site& site, const fs::path& campaign_dir);

}  // namespace workflow::sweep
