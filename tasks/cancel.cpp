#include "tasks/cancel.h"

#include <csignal>

#include "common/error.h"

namespace workflow::tasks {

bool order_cancel(Files& files, const fs::path& dir, const Order& order) {
  TaskView view = observe(files, dir);
  if (view.record.ended()) return false;
  const auto require_reach = [&view] {
    if (view.supervisor != Liveness::unknown) return;
    throw Error(Code::unreachable, "'" + view.spec.task_id + "' runs on " + view.record.place.host +
                                       ", not here; nothing was done");
  };
  require_reach();
  // On the disk first: a supervisor that takes over meanwhile finds it there.
  write_order(files, dir, order);
  view = settle(files, dir);
  if (view.record.ended()) return false;
  require_reach();
  send_signal(view.record.supervisor, SIGTERM);
  return true;
}

TaskView cancel_task(Files& files, const fs::path& dir, const Order& order) {
  const TaskView view = observe(files, dir);
  if (order_cancel(files, dir, order)) {
    FollowSpec wait;
    wait.dir = dir;
    wait.token = view.spec.token;
    wait.limit_ms = (order.grace_secs.value_or(view.spec.grace_secs) * 2 + 30) * 1000;
    (void)follow(files, wait);
  }
  return observe(files, dir);
}

}  // namespace workflow::tasks
