#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "apps/workflow/text_table.h"
#include "common/error.h"
#include "common/json.h"

// Where words go: data to stdout, everything else to stderr, JSON alone on stdout when it is asked
// for. Nothing else in the program prints. What people read passes printable.h first; only bytes()
// and error_bytes() hand on what a target's programs wrote, as it is.
namespace workflow::app {

enum class Paint { none, bold, dim, green, yellow, red, reverse };

/// The text between the marks of a colour, for what is turned into colours later.
[[nodiscard]] std::string painted(Paint paint, std::string_view text);

/// A text of ours and of the target as a terminal may have it; marks of colours become colours, or
/// nothing. Newlines stay where `lines` is set.
[[nodiscard]] std::string terminal_text(std::string_view text, bool lines, bool color = true);

/// stdout takes no more: nobody reads it (EPIPE, `… | head`), or its disk is full. The command
/// ends, what it started goes on.
class ReaderGone : public std::exception {
 public:
  explicit ReaderGone(int why) : why_(why) {}
  [[nodiscard]] int why() const { return why_; }  ///< an errno

 private:
  int why_;
};

class Output {
 public:
  Output(bool json, bool quiet, std::string_view color);

  [[nodiscard]] bool json() const { return json_; }
  /// True when a person looks at stdout and it can be drawn on.
  [[nodiscard]] bool terminal() const { return terminal_ && !json_; }

  /// Whether stdout shows colours.
  [[nodiscard]] bool colors() const { return color_; }

  /// A line of the answer on stdout; nothing in JSON mode.
  void line(std::string_view text);
  /// The same, cut to the width of a terminal; whole for everything else.
  void fitted(std::string_view text);
  /// A table; on a terminal its widest columns give way until it fits.
  void rows(const std::vector<std::string>& headings, std::vector<std::vector<std::string>> cells,
            const std::vector<bool>& right = {});
  /// A time of JSON for people: short on a terminal (UTC), whole for everything else.
  [[nodiscard]] std::string time(const std::string& utc) const;
  /// Bytes as they are on stdout, at once; nothing in JSON mode.
  void bytes(std::string_view bytes);
  /// Bytes as they are on stderr, at once; nothing in JSON mode.
  void error_bytes(std::string_view bytes);
  /// A remark on stderr; nothing when quiet.
  void note(std::string_view text);
  /// A warning on stderr, and in the envelope.
  void warn(std::string_view text);
  /// A question on stderr, also when quiet; the cursor stays behind it.
  void ask(std::string_view text);
  /// One event as a line of JSON; nothing in the other mode.
  void event(const Json& event);
  /// Replaces the last drawn block on a terminal by this one.
  void draw(const std::vector<std::string>& lines);
  /// Leaves what is drawn where it is.
  void drawn();
  /// Replaces the last such line on a terminal on stderr; nothing elsewhere, and when quiet. An
  /// empty text takes it away.
  void status(std::string_view text);

  /// The text in a colour where stdout shows colours.
  [[nodiscard]] std::string paint(Paint paint, std::string_view text) const;

  /// The one document, or the last event, of JSON mode.
  void envelope(std::string_view command, const Json& data, const Error* error);
  /// `workflow: what` and the hint below it, on stderr.
  void complain(const Error& error);

 private:
  bool json_;
  bool quiet_;
  bool terminal_;
  bool color_;
  bool error_color_;
  bool error_terminal_;
  bool events_told_ = false;
  std::size_t drawn_lines_ = 0;
  std::vector<std::string> warnings_;
};

/// How wide the terminal on stdout or stderr is; 80 where there is none.
[[nodiscard]] std::size_t terminal_width();

}  // namespace workflow::app
