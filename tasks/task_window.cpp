#include "tasks/task_window.h"

#include "common/error.h"
#include "common/text.h"
#include "tasks/launch.h"

namespace workflow::tasks {

void open_task_window(const Site& site, const fs::path& dir, const TaskSpec& spec) {
  const TmuxPlace place{site.text("WF_TMUX_SOCKET"), spec.tmux_session,
                        split(site.text("WF_SECRETS"), ' ')};
  const std::string id =
      open_window(place, spec.window_title(), {agent_path(), "attend", dir.string()});
  if (id.empty()) return;
  try {
    site.files().write(window_file(dir), id + "\n", {.durable = false});
  } catch (const Error&) {
    // The task is what counts; attach opens another window.
  }
}

}  // namespace workflow::tasks
