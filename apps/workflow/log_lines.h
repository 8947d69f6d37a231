#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace workflow::app {

/// The last lines of a log as a screen shows them: without colours, and of a line that a progress
/// bar redraws with carriage returns its last state. Bounded, however long the log and its lines.
class LogLines {
 public:
  void clear();
  void add(std::string_view bytes);
  /// How many lines there are; the last one may still grow.
  [[nodiscard]] std::size_t size() const { return lines_.size() + (open_.empty() ? 0 : 1); }
  [[nodiscard]] std::string line(std::size_t i) const;
  /// Lines that were let go of at the front since clear().
  [[nodiscard]] std::size_t dropped() const { return dropped_; }

 private:
  void end_line();

  std::deque<std::string> lines_;
  std::string open_;  ///< the line whose end has not come
  std::size_t dropped_ = 0;
};

}  // namespace workflow::app
