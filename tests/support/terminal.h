#pragma once

#include <string>
#include <vector>

#include "tests/support/workspace.h"

namespace workflow::test {

/// What is typed once `prompt` has appeared; an empty prompt: nothing.
struct Reply {
  std::string prompt;
  std::string typed;
};

/// What `workflow WORDS…` wrote to a terminal of its own that is `columns` wide, and its code.
struct Shown {
  std::string bytes;
  ExitStatus status;
};
[[nodiscard]] Shown show_on_terminal(const Workspace& space, std::vector<std::string> words,
                                     int columns, const Reply& reply = {});

/// The lines as they were printed, without escape sequences and carriage returns.
[[nodiscard]] std::vector<std::string> printed_lines(const std::string& bytes);

}  // namespace workflow::test
