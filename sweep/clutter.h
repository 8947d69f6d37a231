#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tasks/site.h"

// What lies on a target and is of no use any more: `clean` shows it and takes it away.
namespace workflow::sweep {

/// One thing that may go, with all that is in it.
struct Clutter {
  fs::path path;
  std::int64_t bytes = 0;
  std::string token{};  ///< of a task: it goes only while this task stands there
};

/// A kind of clutter, by the word that `clean` takes for it.
struct ClutterKind {
  std::string name;
  std::string why;  ///< why it may go
  std::vector<Clutter> found{};
};

/// The words: bak, trash, tasks, attempts, snapshots, leftovers, agents.
[[nodiscard]] std::vector<std::string> clutter_names();

/// Looks for it, changes nothing. Of bak, tasks, snapshots and agents only what has been as it is
/// for `older_secs`. Nothing of a living task or run, of the rows of the state's campaign, or of a
/// run's last attempt. `names` empty: every kind.
[[nodiscard]] std::vector<ClutterKind> find_clutter(const tasks::Site& site,
                                                    const std::vector<std::string>& names,
                                                    std::int64_t older_secs);

/// Takes one thing away: it first moves to `_trash`, so that nobody meets a half of it. No link is
/// followed. Empty when it is gone, or why it is not.
[[nodiscard]] std::string remove_clutter(const tasks::Site& site, const Clutter& clutter);

}  // namespace workflow::sweep
