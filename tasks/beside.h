#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "tasks/copy_process.h"
#include "tasks/live_root.h"
#include "tasks/log_cap.h"
#include "tasks/run_out.h"

namespace workflow::tasks {

/// What is copied beside a task by its supervisor, which never waits for a file system itself: the
/// records to their mirror, a run's out/ to where it is to stay.
class Beside {
 public:
  /// `note` is told of what the log leaves out, before it does; `hole` is what it did already.
  Beside(Files& files, const fs::path& dir, const TaskSpec& spec, const FileHole& hole,
         LogCap::Note note);

  /// Something is to be done at this time of the steady clock.
  [[nodiscard]] std::int64_t next_ms() const;
  /// Begins what is due.
  void turn(std::int64_t now_ms);
  /// Looks at the log once more when nothing writes to it any more.
  void end_log() { log_cap_.turn(INT64_MAX); }
  /// The last copy of out/, before the end of the run is told; waits as long as it gets on.
  /// `settle` is called at least every second.
  void finish(const std::function<void()>& settle);
  /// The mirror once more, when the end is recorded; nobody waits for it.
  void mirror() const;

 private:
  Files& files_;
  fs::path dir_;
  std::optional<LiveRoot> live_;
  std::optional<RunOut> out_;
  LogCap log_cap_;
  std::unique_ptr<CopyProcess> pass_;
  std::int64_t next_mirror_ms_ = INT64_MAX;
  std::int64_t next_copy_ms_ = INT64_MAX;
};

}  // namespace workflow::tasks
