#include "apps/workflow/screen.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iterator>

#include "apps/workflow/output.h"
#include "common/fd_io.h"
#include "common/text.h"

namespace workflow::app {
namespace {

// Alternate screen, no cursor, no wrapping: a character wider than one column cannot break a line.
constexpr std::string_view enter_screen = "\033[?1049h\033[?25l\033[?7l\033[H\033[J";
constexpr std::string_view leave_screen = "\033[?7h\033[?25h\033[0m\033[?1049l";

// A signal handler has to reach them.
termios before{};
std::atomic<bool> taken{false};

struct Sequence {
  std::string_view bytes;
  Key::Kind kind;
};

constexpr Sequence sequences[] = {
    {"\033[A", Key::Kind::up},       {"\033OA", Key::Kind::up},
    {"\033[B", Key::Kind::down},     {"\033OB", Key::Kind::down},
    {"\033[5~", Key::Kind::page_up}, {"\033[6~", Key::Kind::page_down},
    {"\033[H", Key::Kind::home},     {"\033[1~", Key::Kind::home},
    {"\033OH", Key::Kind::home},     {"\033[F", Key::Kind::end},
    {"\033[4~", Key::Kind::end},     {"\033OF", Key::Kind::end},
    {"\r", Key::Kind::enter},        {"\n", Key::Kind::enter},
    {"\x7f", Key::Kind::backspace},  {"\b", Key::Kind::backspace},
    {"\x03", Key::Kind::interrupt},  {"\x1a", Key::Kind::suspend},
    {"\x02", Key::Kind::page_up},    {"\x06", Key::Kind::page_down},
};

/// The length of an escape sequence that we know nothing of; 0 while its end has not come.
std::size_t foreign_sequence(std::string_view typed) {
  if (typed.size() < 2) return 0;
  if (typed[1] != '[' && typed[1] != 'O') return 2;
  for (std::size_t i = 2; i < typed.size(); ++i) {
    if (typed[i] >= '@' && typed[i] <= '~') return i + 1;
  }
  return 0;
}

/// The bytes of the character that begins here, by its first byte.
std::size_t character_length(char first) {
  const auto lead = static_cast<unsigned char>(first);
  return lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
}

}  // namespace

std::vector<Key> take_keys(std::string& typed, bool all) {
  std::vector<Key> keys;
  while (!typed.empty()) {
    const auto known = std::find_if(std::begin(sequences), std::end(sequences),
                                    [&](const auto& s) { return typed.starts_with(s.bytes); });
    std::size_t length = 0;
    if (known != std::end(sequences)) {
      keys.push_back({known->kind});
      length = known->bytes.size();
    } else if (typed[0] == '\033') {
      length = foreign_sequence(typed);
      if (length == 0 && !all) break;
      if (length == 0) keys.push_back({Key::Kind::escape});
      length = std::max<std::size_t>(length, 1);
    } else {
      length = character_length(typed[0]);
      if (length > typed.size() && !all) break;
      const std::string text = typed.substr(0, length);
      if (static_cast<unsigned char>(text[0]) >= ' ' && valid_utf8(text)) {
        keys.push_back({Key::Kind::text, text});
      }
    }
    typed.erase(0, length);
  }
  return keys;
}

bool can_take_screen() {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
  return !dumb && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

void give_back_terminal() {
  if (!taken.exchange(false)) return;
  // write(2) and tcsetattr(3) may be called in a signal handler.
  (void)!::write(STDOUT_FILENO, leave_screen.data(), leave_screen.size());
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

Screen::Screen(bool color) : color_(color) {
  if (::tcgetattr(STDIN_FILENO, &before) != 0) {
    bug("a screen was asked for where there is no terminal");
  }
  struct sigaction action {};
  action.sa_handler = [](int) {};  // poll returns, and the size is asked again
  ::sigaction(SIGWINCH, &action, nullptr);
  enter();
}

Screen::~Screen() {
  give_back_terminal();
  ::signal(SIGWINCH, SIG_DFL);
}

void Screen::enter() {
  termios raw = before;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
  raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL | INLCR);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  taken = true;
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
  shown_.clear();
  if (!write_all(STDOUT_FILENO, enter_screen)) throw ReaderGone(errno);
}

Size Screen::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {size.ws_row, size.ws_col};
}

void Screen::show(const std::vector<std::string>& lines) {
  const Size now = size();
  std::string out;
  if (!(now == shown_size_)) {
    out = "\033[H\033[J";
    shown_.clear();
    shown_size_ = now;
  }
  const std::size_t rows = std::min(lines.size(), now.rows);
  for (std::size_t i = 0; i < std::max(rows, shown_.size()); ++i) {
    const std::string line =
        i < rows ? terminal_text(clipped(lines[i], now.columns), false, color_) : std::string();
    if (i < shown_.size() && shown_[i] == line) continue;
    // Cleared first: at the end of a full line that would take its last column.
    out += "\033[" + std::to_string(i + 1) + ";1H\033[2K" + line;
    if (i >= shown_.size()) shown_.resize(i + 1);
    shown_[i] = line;
  }
  if (!out.empty() && !write_all(STDOUT_FILENO, out)) throw ReaderGone(errno);
}

std::vector<Key> Screen::keys(bool waited) {
  char buffer[256];
  for (ssize_t n = 0; (n = ::read(STDIN_FILENO, buffer, sizeof buffer)) > 0;) {
    typed_.append(buffer, static_cast<std::size_t>(n));
    waited = false;
  }
  return take_keys(typed_, waited);
}

void Screen::suspend() {
  give_back_terminal();
  ::raise(SIGSTOP);
  enter();
}

}  // namespace workflow::app
