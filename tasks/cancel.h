#pragma once

#include "tasks/follow.h"

namespace workflow::tasks {

/// Asks a task's supervisor to end it (TERM, grace, KILL) and waits until it has. `as` is the word
/// for its state in place of `cancelled`; empty for that. A task that has ended stays as it is.
/// Error(unreachable) when it runs where we cannot reach it.
TaskView cancel_task(Files& files, const fs::path& dir, const std::string& as,
                     const std::string& by);

/// The same without waiting for the end; false when it had ended already.
bool order_cancel(Files& files, const fs::path& dir, const std::string& as, const std::string& by);

}  // namespace workflow::tasks
