#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/files.h"
#include "common/unique_fd.h"
#include "tasks/record.h"

// The process that watches over one task. docs/architecture.md, "A task's life", draws it.
namespace workflow::tasks {

/// Called once when a task has ended, after its last record is on the disk. `secrets` are those of
/// a sweep's executor; of every other task they are forgotten once it runs.
using OnEnd = std::function<void(const fs::path& dir, const TaskSpec&, const TaskRecord&,
                                 const std::vector<std::string>& secrets)>;

/// Before what a supervisor says that starts nothing.
constexpr std::string_view not_started = "not started: ";

struct SupervisorJob {
  fs::path dir;
  UniqueFd ready{};                    ///< told one word when `running` or a failure is recorded
  std::vector<std::string> secrets{};  ///< `K=V` for the command's environment
  OnEnd on_end{};
};

/// Runs the task's command to its end: the command starts only after its pid is on the disk, both
/// its streams are one append-only descriptor on stdout.log, its limit and a cancel end its whole
/// tree (TERM, grace, KILL), and every change is recorded before anybody is told.
void supervise(Files& files, const Clock& clock, SupervisorJob job);

/// Watches a command whose supervisor died, and records its end as `lost`: nobody can know the
/// exit code of another's child. A limit that it enforces itself is still `timed_out`.
void supervise_orphan(Files& files, const Clock& clock, SupervisorJob job);

}  // namespace workflow::tasks
