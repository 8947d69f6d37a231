#pragma once

#include <string>
#include <vector>

#include "tasks/site.h"

namespace workflow::tasks {

/// One look at the target and what to do about it.
struct Finding {
  enum class State { ok, warn, fail };
  std::string check;  ///< a few words: `disk`, `torch`
  State state = State::ok;
  std::string text;
  std::string hint{};
};

[[nodiscard]] const char* name(Finding::State state);

/// Looks at everything that a workflow needs of its target: roots and their file systems, tmux,
/// git, python, torch, GPUs. Changes nothing that stays; no look takes longer than a minute.
[[nodiscard]] std::vector<Finding> examine(const Site& site);

/// The python that runs use: the virtual environment's once there is one.
[[nodiscard]] std::string python_of(const Site& site);

}  // namespace workflow::tasks
