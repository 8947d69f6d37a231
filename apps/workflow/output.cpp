#include "apps/workflow/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "apps/workflow/printable.h"
#include "common/clock.h"
#include "common/fd_io.h"
#include "common/text.h"

namespace workflow::app {
namespace {

bool wants_color(std::string_view choice, int fd) {
  if (choice == "always") return true;
  if (choice == "never") return false;
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

/// What cannot be written to stderr is lost; an answer that is lost must not look like one.
void put(int fd, std::string_view bytes) {
  if (!write_all(fd, bytes) && fd == STDOUT_FILENO) throw ReaderGone(errno);
}

/// Behind a paint mark stands the enumerator as a digit; 0 ends a colour.
const char* code_of(Paint paint) {
  switch (paint) {
    case Paint::none:
      return "\033[0m";
    case Paint::bold:
      return "\033[1m";
    case Paint::dim:
      return "\033[2m";
    case Paint::green:
      return "\033[32m";
    case Paint::yellow:
      return "\033[33m";
    case Paint::red:
      return "\033[31m";
    case Paint::reverse:
      return "\033[7m";
  }
  return "";
}

/// The words of a remark, a warning or an error: no colours but those that are put around them.
std::string said(std::string_view text) { return printable(text, {.lines = true}); }

}  // namespace

std::string painted(Paint paint, std::string_view text) {
  return std::string{paint_mark, static_cast<char>('0' + static_cast<int>(paint))} +
         printable(text, {}) + paint_mark + '0';
}

std::string terminal_text(std::string_view text, bool lines, bool color) {
  const std::string safe = printable(text, {.lines = lines, .painted = true});
  std::string out;
  for (std::size_t i = 0; i < safe.size(); ++i) {
    if (safe[i] != paint_mark) {
      out += safe[i];
    } else if (++i < safe.size() && color && safe[i] >= '0' && safe[i] <= '6') {
      out += code_of(static_cast<Paint>(safe[i] - '0'));
    }
  }
  return out;
}

Output::Output(bool json, bool quiet, std::string_view color)
    : json_(json),
      quiet_(quiet),
      terminal_(::isatty(STDOUT_FILENO) == 1),
      color_(!json && wants_color(color, STDOUT_FILENO)),
      error_color_(wants_color(color, STDERR_FILENO)),
      error_terminal_(::isatty(STDERR_FILENO) == 1) {}

void Output::line(std::string_view text) {
  if (!json_) put(STDOUT_FILENO, terminal_text(text, true) + "\n");
}

void Output::bytes(std::string_view bytes) {
  if (!json_) put(STDOUT_FILENO, bytes);
}

void Output::error_bytes(std::string_view bytes) {
  if (!json_) (void)write_all(STDERR_FILENO, bytes);
}

void Output::note(std::string_view text) {
  if (!quiet_) put(STDERR_FILENO, said(text) + "\n");
}

void Output::warn(std::string_view text) {
  warnings_.emplace_back(text);
  if (!quiet_) put(STDERR_FILENO, "warning: " + said(text) + "\n");
}

void Output::ask(std::string_view text) { put(STDERR_FILENO, said(text)); }

void Output::event(const Json& event) {
  if (!json_) return;
  events_told_ = true;
  put(STDOUT_FILENO, printable_json(dump_json(event)) + "\n");
}

void Output::draw(const std::vector<std::string>& lines) {
  std::string text;
  if (drawn_lines_ > 0) text += "\033[" + std::to_string(drawn_lines_) + "A\r";
  // A line that wraps would be two, and going up would miss the first.
  for (const auto& line : lines) {
    const std::string safe = printable(line, {.painted = true});
    text += terminal_text(clipped(safe, terminal_width()), false) + "\033[K\n";
  }
  text += "\033[J";
  put(STDOUT_FILENO, text);
  drawn_lines_ = lines.size();
}

void Output::drawn() { drawn_lines_ = 0; }

void Output::status(std::string_view text) {
  if (quiet_ || !error_terminal_) return;
  (void)write_all(STDERR_FILENO,
                  "\r" + clipped(printable(text, {}), terminal_width() - 1) + "\033[K");
}

std::string Output::paint(Paint paint, std::string_view text) const {
  if (!color_ || paint == Paint::none) return std::string(text);
  return painted(paint, text);
}

void Output::envelope(std::string_view command, const Json& data, const Error* error) {
  if (!json_) return;
  Json out = Json::object();
  if (events_told_) out["event"] = "result";
  out["schema"] = "workflow." + std::string(command) + "/1";
  out["ok"] = error == nullptr;
  out["data"] = data;
  out["warnings"] = warnings_;
  out["observed_at"] = utc_text(system_clock().now_ms());
  if (error != nullptr) {
    out["error"] = {{"code", code_name(error->code())},
                    {"exit_code", static_cast<int>(error->code())},
                    {"message", error->what()},
                    {"hint", error->hint()}};
    if (!error->details().empty()) out["error"].update(parse_json(error->details(), "details"));
  }
  put(STDOUT_FILENO, printable_json(dump_json(out)) + "\n");
}

void Output::complain(const Error& error) {
  std::string text = "workflow: " + said(error.what()) + "\n";
  if (error_color_) text = "\033[31mworkflow:\033[0m" + text.substr(9);
  if (!error.hint().empty()) {
    for (const auto& hint : split(error.hint(), '\n')) text += "  " + said(hint) + "\n";
  }
  put(STDERR_FILENO, text);
}

void Output::rows(const std::vector<std::string>& headings,
                  std::vector<std::vector<std::string>> cells, const std::vector<bool>& right) {
  make_printable(cells);
  if (terminal()) fit(headings, cells, terminal_width());
  for (const auto& text : table(headings, cells, right)) line(text);
}

void Output::fitted(std::string_view text) {
  const std::string safe = printable(text, {.painted = true});
  line(terminal() ? clipped(safe, terminal_width()) : safe);
}

std::string Output::time(const std::string& utc) const {
  if (!terminal() || utc.size() < 19) return utc;
  const bool today = utc.substr(0, 10) == utc_text(system_clock().now_ms()).substr(0, 10);
  return today ? utc.substr(11, 8) : utc.substr(5, 5) + " " + utc.substr(11, 5);
}

std::size_t terminal_width() {
  winsize size{};
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  return 80;
}

}  // namespace workflow::app
