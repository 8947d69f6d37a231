#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/files.h"
#include "common/json.h"
#include "tasks/record.h"

// A run's out/ where the training does not write into the run's own directory: local_sync, and an
// outputs directory that may hang. docs/architecture.md, "Where rename and lock …".
namespace workflow::tasks {

/// Where a training writes and where that is to stay; kept in the spec of its run.
struct RunOut {
  fs::path train;
  fs::path durable;
  std::int64_t every_secs = 60;
  bool sync = false;  ///< local_sync: `train` is copied to `durable`

  /// So long without a sign of life from a copy means that nothing more is to be expected.
  [[nodiscard]] std::int64_t patience_ms() const;
};
[[nodiscard]] Json run_out_json(const RunOut& out);
/// Nothing for a task whose out/, if it has any, is in its own directory.
[[nodiscard]] std::optional<RunOut> run_out_of(const TaskSpec& spec);

/// In the run's own process, before its program: makes the directory, fills an empty local one from
/// the durable one, and puts the summary of an earlier attempt aside. Says on stdout what it does.
void prepare_out(Files& files, const fs::path& dir, const TaskSpec& spec);

/// One copy of what the training has written, in a process that may hang; the agent's verb `copy
/// out`. The last one looks at every file again and brings the training's own summary. What it
/// found is in sync.json as well.
[[nodiscard]] Json copy_out(Files& files, const Clock& clock, const fs::path& dir, bool last);

/// sync.json of a run: `ok`, `last`, `files`, `bytes`, `behind`, `behind_files`, `reason`,
/// `no_room`, `kept`, `synced_at`; null where there is none.
[[nodiscard]] Json read_sync(Files& files, const fs::path& dir);
/// Records a copy that could not be made; quiet where that cannot be written either.
void write_sync(Files& files, const fs::path& dir, const Json& sync);

/// What a training left as its own summary of a run, wherever that can be read without waiting.
[[nodiscard]] fs::path trainer_summary_file(const fs::path& dir, const TaskSpec& spec);

}  // namespace workflow::tasks
