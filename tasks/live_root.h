#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/json.h"
#include "tasks/mounts.h"

// Records need a file system whose rename and lock can be relied on. Where the outputs directory
// has none (FUSE, such as s3fs), they live on the pod's own disk, in ~/.workflow/live/<hash of the
// path>/, and are mirrored into the outputs directory. docs/architecture.md says how.
namespace workflow::tasks {

struct LiveRoot {
  fs::path live;     ///< where the records live
  fs::path outputs;  ///< where their mirror is

  /// ~/.workflow, which has the live root.
  [[nodiscard]] fs::path own_dir() const { return live.parent_path().parent_path(); }
};

/// The live root of an outputs directory, whether it is there yet or not.
[[nodiscard]] LiveRoot live_root_at(const fs::path& home, const fs::path& outputs);

/// The same where records need one; nothing where they can lie in the outputs directory itself.
/// Asks no file system that may hang. What has begun with a live root keeps it.
[[nodiscard]] std::optional<LiveRoot> live_root_for(const fs::path& home, const fs::path& outputs);

/// The FUSE mount that a path lies on; nothing for the one that the home is on as well, which would
/// be no better.
[[nodiscard]] std::optional<Mount> doubtful_mount(const fs::path& home, const fs::path& path);

/// The live root that a task's directory lies in; nothing where it lies in none.
[[nodiscard]] std::optional<LiveRoot> live_root_above(Files& files, const fs::path& dir);

/// Whether a file of a live root is a record, to be mirrored: no lock, no temporary file, nothing
/// that the training keeps in out/.
[[nodiscard]] bool is_record(const std::string& relative);

/// Makes the live root when it is missing: from the mirror, else empty. Told are records that were
/// torn in the mirror. Error(busy) when another pod wrote the mirror within the last five minutes;
/// Error(precondition) when the outputs directory does not answer.
std::vector<std::string> open_live_root(const LiveRoot& root);

/// The same in a process that may hang: the agent's verb `copy restore`.
[[nodiscard]] Json restore_live_root(Files& files, const LiveRoot& root);

}  // namespace workflow::tasks
