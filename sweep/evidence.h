#pragma once

#include <string>

#include "tasks/evidence.h"
#include "tasks/site.h"
#include "tasks/store.h"

namespace workflow::sweep {

/// Looks at the target for what a state record claims: its pod, tools, checkout, executor, rows
/// and the holder of its lease. Changes nothing.
[[nodiscard]] tasks::Evidence gather(const tasks::Site& site, const tasks::StateRecord& record);

/// Writes a record that somebody has deleted anew, from what is at work here; else does nothing.
void recover_record(const tasks::Site& site, const tasks::Ask& ask);

/// The campaign of the record or, without a record, of the executor that is at work; empty: none.
[[nodiscard]] std::string current_campaign(const tasks::Site& site,
                                           const tasks::StateRecord& record);

/// Whether an executor lives. Its process decides: a supervisor may outlive it for a moment.
[[nodiscard]] tasks::Liveness executor_lives(const tasks::TaskView& task);

/// The task of the executor that the record names; empty for none.
[[nodiscard]] std::string executor_task(const tasks::StateRecord& record);

}  // namespace workflow::sweep
