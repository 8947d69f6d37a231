#pragma once

#include <string>
#include <vector>

#include "tests/support/workspace.h"

namespace workflow::test {

/// `workflow WORDS…` in a tmux pane of its own, as a person sees it. What stands behind its end is
/// `ended CODE`.
class Pane {
 public:
  Pane(const Workspace& space, const std::vector<std::string>& words, int columns, int rows);

  /// What stands in the pane now.
  [[nodiscard]] std::string shown() const;
  /// Its lines, without what tmux fills them up with.
  [[nodiscard]] std::vector<std::string> lines() const;
  /// Waits until the text stands there.
  [[nodiscard]] bool shows(const std::string& text, std::int64_t limit_ms = 20'000) const;
  /// Types keys by tmux's names (`Enter`, `Down`, `q`).
  void type(const std::vector<std::string>& keys) const;
  void resize(int columns, int rows) const;
  /// Whether the program is on the terminal's other screen.
  [[nodiscard]] bool on_other_screen() const;
  /// The pid of the program in it.
  [[nodiscard]] pid_t program() const;

 private:
  [[nodiscard]] std::string tmux(std::vector<std::string> words) const;

  const Workspace& space_;
  std::string session_;
};

}  // namespace workflow::test
