#pragma once

#include "common/clock.h"
#include "sweep/rehearsal/trial.h"
#include "tasks/record.h"

namespace workflow::sweep {

/// The names of all trials in their order; `resume` is the last.
[[nodiscard]] std::vector<std::string> trial_names();

/// trials.jsonl in a rehearsal's directory: one line a trial, as soon as it is over: number, name,
/// outcome, text, hint, secs.
[[nodiscard]] fs::path trials_file(const fs::path& dir);

/// The task of a rehearsal, by what was asked and the request's settings.
[[nodiscard]] tasks::TaskSpec rehearsal_spec(const tasks::Site& site, const RehearsalWish& wish);

/// The rehearsal's own process: every trial in turn, each told in the log and in trials.jsonl.
/// Returns 0, or 1 when something failed.
int rehearse(Files& files, const Clock& clock, const fs::path& dir);

/// The process of one trial, which is given up on when it takes too long: its finding goes to
/// stdout as JSON.
int run_trial(Files& files, const Clock& clock, const fs::path& dir, const std::string& trial);

}  // namespace workflow::sweep
