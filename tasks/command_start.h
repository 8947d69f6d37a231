#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/spawn.h"
#include "tasks/record.h"

namespace workflow::tasks {

/// `K=V`: what every process of a task carries in its environment.
[[nodiscard]] std::string task_marker(const TaskSpec& spec);

/// Starts a task's command as the leader of its own session: both streams are one append-only
/// descriptor on stdout.log, and the program begins only after `before_exec` has returned.
[[nodiscard]] Spawned start_command(const TaskSpec& spec, const fs::path& dir,
                                    const std::vector<std::string>& secrets,
                                    std::function<void(pid_t)> before_exec);

}  // namespace workflow::tasks
