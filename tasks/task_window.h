#pragma once

#include "tasks/site.h"
#include "tasks/window.h"

namespace workflow::tasks {

/// Opens the window that follows a task's log, and notes its id beside the task. Nothing waits for
/// it and nothing depends on it: a task without a window is a task all the same.
void open_task_window(const Site& site, const fs::path& dir, const TaskSpec& spec);

}  // namespace workflow::tasks
