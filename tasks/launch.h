#pragma once

#include <string>
#include <vector>

#include "common/file_lock.h"
#include "common/files.h"

// Starting a supervisor: a process of its own session, a child of nobody we know.
namespace workflow::tasks {

/// The path this agent was started from, also when the file has been replaced since.
[[nodiscard]] std::string agent_path();

/// Starts the supervisor of a pending task and hands it the lock. Returns when it has recorded
/// `running` or how the start failed, or was killed after that; status.json tells which. `secrets`
/// (`K=V`) reach the command's environment through a pipe, never a disk. Error(precondition) when
/// no supervisor came up.
void start_supervisor(const fs::path& dir, const FileLock& lock,
                      const std::vector<std::string>& secrets = {});

/// Gives a task whose supervisor died a new one, or lets that one record the end that nobody saw.
/// Safe to call at any time and from several places at once.
void adopt(const fs::path& dir);

}  // namespace workflow::tasks
