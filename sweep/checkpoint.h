#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/files.h"
#include "common/json.h"
#include "tasks/run_out.h"

// Whether a training that was ended can go on where it was.
namespace workflow::sweep {

/// A file or directory that artifacts.h calls a checkpoint.
struct Checkpoint {
  std::string path;  ///< below out/
  std::int64_t saved_ms = 0;
  std::int64_t bytes = 0;
};

/// The newest checkpoint in a run's out/ that is whole, as far as its format tells: an empty file,
/// and an archive of torch without its end, are not. `torn` gets the path of one that is newer and
/// not whole.
[[nodiscard]] std::optional<Checkpoint> newest_checkpoint(const fs::path& out,
                                                          std::string* torn = nullptr);

/// `resumable`, `checkpoint` (path, saved_at, bytes; or null) and `resumable_reason`.
[[nodiscard]] Json resume_facts(const fs::path& out);

/// The same of a run by where its training writes. `may_hang`: its directory is on a file system
/// that is not looked at here, and `resumable` is null.
[[nodiscard]] Json resume_facts(const tasks::RunOut& out, bool may_hang);

/// The same of a run that has ended, by its spec.
[[nodiscard]] Json resume_facts(const fs::path& dir, const tasks::TaskSpec& spec);

}  // namespace workflow::sweep
