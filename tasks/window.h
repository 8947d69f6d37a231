#pragma once

#include <string>
#include <vector>

// tmux: where a person watches a task. Nothing depends on it: without tmux, or with one that
// hangs, tasks run all the same.
namespace workflow::tasks {

struct TmuxPlace {
  std::string socket;                  ///< tmux -L name; empty: tmux's own
  std::string session;                 ///< exact name
  std::vector<std::string> secrets{};  ///< names of variables that no tmux server may keep
};

/// Opens a window called `title` that runs `argv`, in a session made when it is missing. Returns
/// tmux's id of it (`@12`), or nothing when there is no tmux or it does not answer in time.
[[nodiscard]] std::string open_window(const TmuxPlace& place, const std::string& title,
                                      const std::vector<std::string>& argv);

/// True when that window is there under that title: another tmux server counts from `@0` again.
[[nodiscard]] bool window_exists(const TmuxPlace& place, const std::string& window,
                                 const std::string& title);

/// The words of a command that shows it; none without a window.
[[nodiscard]] std::vector<std::string> attach_argv(const TmuxPlace& place,
                                                   const std::string& window);

/// The same as a person types it.
[[nodiscard]] std::string attach_command(const TmuxPlace& place, const std::string& window);

}  // namespace workflow::tasks
