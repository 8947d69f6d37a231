#pragma once

#include <optional>
#include <string>

#include "sweep/launch_line.h"
#include "sweep/row_index.h"
#include "sweep/run_summary.h"
#include "tasks/store.h"

// One row at work: its directory, its attempts, and what is written when it has ended.
namespace workflow::sweep {

/// What stands in the directory of a run id.
struct RunView {
  tasks::TaskView task;
  RunState state = RunState::pending;
  std::string row_sha256;
  std::string campaign_id;
  Json summary = Json::object();  ///< summary.json; empty while the run has not ended
};

/// The GPUs that a run was started on.
[[nodiscard]] std::vector<std::string> gpus_of(const RunView& run);

/// The run is the attempt that the index announced; an earlier one says nothing about the row.
[[nodiscard]] bool is_attempt(const std::optional<RunView>& run, const std::string& campaign_id,
                              const RowState& row);

/// Whether processes of a run live, whatever its record says: they carry where it writes.
[[nodiscard]] bool processes_of(const tasks::Site& site, const std::string& run_id);

/// Ends processes of a run that has lost its record: TERM, the grace, KILL. False when some
/// survive.
[[nodiscard]] bool end_without_record(const tasks::Site& site, const std::string& run_id);

/// Whether the disk gives the bytes of a run's records, whatever they are.
[[nodiscard]] bool can_be_read(Files& files, const fs::path& dir);

/// Nothing when no run of that id has ever been started here.
[[nodiscard]] std::optional<RunView> look_at_run(Files& files, const fs::path& dir);

/// Which attempt of which row it is, as a fetch tells it: run_id, campaign, row_sha256, attempt,
/// created_at, state.
[[nodiscard]] Json about_run(const std::string& id, const RunView& run);

/// Starts a row: an ended attempt moves to attempts/NNNN, then the new one is written and its
/// supervisor started. Error(busy) when a run of that id lives.
void start_run(const tasks::Site& site, const Campaign& campaign, const Row& row,
               const Allotment& allotment);

/// Moves the files of the ended attempt to attempts/NNNN; a half-done move is finished. What the
/// training keeps in out/ stays, so that the next attempt can resume from it.
void put_attempt_aside(Files& files, const fs::path& dir);

/// How many attempts of a run lie aside.
[[nodiscard]] int attempts_aside(Files& files, const fs::path& dir);

}  // namespace workflow::sweep
