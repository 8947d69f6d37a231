#pragma once

#include "apps/workflow/output.h"

// How tasks are shown to people.
namespace workflow::app {

/// `failed: exit 3 after 41 s`, `timed_out: limit 8 s, ended by TERM`.
[[nodiscard]] std::string ending(const Json& status);

/// One task: how it is, where its log is, and the log's end.
void show_task(Output& out, const std::string& id, const Json& status);

/// One line a task.
void show_tasks(Output& out, const Json& tasks);

}  // namespace workflow::app
