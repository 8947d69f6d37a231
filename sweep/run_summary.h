#pragma once

#include <optional>

#include "common/files.h"
#include "common/json.h"
#include "tasks/record.h"

// summary.json: what became of a run's attempt, told once it has ended (workflow.run-summary/1).
namespace workflow::sweep {

/// summary.json of a run or of one of its attempts; nothing when there is none, Error(precondition)
/// that names the file when it is not one of ours.
[[nodiscard]] std::optional<Json> read_summary(Files& files, const fs::path& dir);

/// What summary.json says, from the run's record, log and metrics.
[[nodiscard]] Json run_summary(Files& files, const fs::path& dir, const tasks::TaskSpec& spec,
                               const tasks::TaskRecord& record);
/// Writes summary.json; called by the run's supervisor. Safe to repeat.
void summarize_run(Files& files, const fs::path& dir, const tasks::TaskSpec& spec,
                   const tasks::TaskRecord& record);

/// The part of a summary that the row index keeps.
[[nodiscard]] Json index_result(const Json& summary);

}  // namespace workflow::sweep
