#include "tasks/launcher_end.h"

#include <csignal>

namespace workflow::tasks {

LauncherEnd::LauncherEnd(const ProcessRef& launcher) : launcher_(launcher) {
  if (start_time(launcher.pid) != launcher.start) return;
  for (const ProcessRef& process : children(launcher.pid)) {
    living_.push_back({process, watch(process)});
  }
  told_ = living_.size();
  for (const Child& child : living_) send_signal(child.process, SIGTERM);
}

std::vector<int> LauncherEnd::fds() const {
  std::vector<int> out;
  for (const Child& child : living_) out.push_back(child.ended.get());
  return out;
}

bool LauncherEnd::turn() {
  // A zombie has ended: a launcher that is kept still buries nobody.
  std::erase_if(living_, [](const Child& child) {
    return start_time(child.process.pid) != child.process.start;
  });
  if (living_.empty()) {
    send_signal(launcher_, SIGCONT);
    return true;
  }
  if (living_.size() < told_) send_signal(launcher_, SIGSTOP);
  return false;
}

}  // namespace workflow::tasks
