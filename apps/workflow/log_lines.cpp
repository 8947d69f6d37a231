#include "apps/workflow/log_lines.h"

#include <algorithm>

#include "common/text.h"

namespace workflow::app {
namespace {

constexpr std::size_t most_lines = 2000;
constexpr std::size_t longest_line = 2000;

/// What a terminal would show of a line that carriage returns have drawn again and again.
std::string_view last_drawing(std::string_view line) {
  while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const auto at = line.rfind('\r');
  return at == std::string_view::npos ? line : line.substr(at + 1);
}

std::string shown(std::string_view line) { return without_escapes(last_drawing(line)); }

}  // namespace

void LogLines::clear() { *this = {}; }

void LogLines::end_line() {
  lines_.push_back(shown(open_));
  open_.clear();
  if (lines_.size() <= most_lines) return;
  lines_.pop_front();
  dropped_ += 1;
}

void LogLines::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    open_ += piece;
    if (open_.size() > longest_line) {
      const std::string_view last = last_drawing(open_);
      open_ = std::string(last.substr(0, longest_line));
    }
    if (end == std::string_view::npos) return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

std::string LogLines::line(std::size_t i) const {
  return i < lines_.size() ? lines_[i] : shown(open_);
}

}  // namespace workflow::app
