#pragma once

#include "tasks/follow.h"
#include "tasks/order.h"

namespace workflow::tasks {

/// Asks a task's supervisor to end it (TERM, grace, KILL) and waits until it has. A task that has
/// ended stays as it is. Error(unreachable) when it runs where we cannot reach it.
TaskView cancel_task(Files& files, const fs::path& dir, const Order& order);

/// The same without waiting for the end; false when it had ended already.
bool order_cancel(Files& files, const fs::path& dir, const Order& order);

}  // namespace workflow::tasks
