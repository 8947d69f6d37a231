#pragma once

#include <string>
#include <string_view>

// What stands between a target's words and a person's terminal. A target is somebody else's
// machine: its states, notes, errors and names must not move the cursor, set a title or turn text
// around.
namespace workflow::app {

/// Begins or ends a colour within a text; a byte that no UTF-8 has, so that no target can say it.
constexpr char paint_mark = '\xFF';

/// The text with every control character, bidirectional override and broken byte in a visible form
/// (`\x1b`, `\u202e`, U+FFFD). Tabs stay, newlines stay where `lines` is set; a paint mark and the
/// letter behind it stay where `painted` is.
struct Keep {
  bool lines = false;
  bool painted = false;
};
[[nodiscard]] std::string printable(std::string_view text, Keep keep);

/// JSON text that means the same, without characters that a terminal would obey.
[[nodiscard]] std::string printable_json(std::string_view json);

}  // namespace workflow::app
