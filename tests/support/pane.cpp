#include "tests/support/pane.h"

#include <iostream>
#include <stdexcept>

#include "common/text.h"
#include "tests/support/eventually.h"

namespace workflow::test {

Pane::Pane(const Workspace& space, const std::vector<std::string>& words, int columns, int rows)
    : space_(space), session_("pane-" + random_hex(4)) {
  std::string line = "cd " + shell_quote(space.dir().string()) + "; " + workflow_program();
  for (const auto& word : words) line += " " + shell_quote(word);
  // A server of its own: the one of the tasks came from another environment.
  (void)tmux({"-f", "/dev/null", "new-session", "-d", "-s", session_, "-x", std::to_string(columns),
              "-y", std::to_string(rows), "sh", "-c", line + "; echo ended $?; exec sleep 600"});
}

std::string Pane::tmux(std::vector<std::string> words) const {
  words.insert(words.begin(), {"tmux", "-L", space_.tmux_socket()});
  CaptureSpec spec;
  spec.argv = std::move(words);
  spec.env = space_.environment();
  spec.limit_ms = 20'000;
  const Captured answer = capture(spec);
  if (!answer.ok()) throw std::runtime_error("tmux: " + answer.err);
  return answer.out;
}

std::string Pane::shown() const { return tmux({"capture-pane", "-p", "-t", "=" + session_ + ":"}); }

std::vector<std::string> Pane::lines() const { return split(shown(), '\n'); }

bool Pane::shows(const std::string& text, std::int64_t limit_ms) const {
  if (eventually([&] { return shown().find(text) != std::string::npos; }, limit_ms)) return true;
  std::cerr << "waited " << limit_ms << " ms for '" << text << "', saw\n" << shown();
  return false;
}

void Pane::type(const std::vector<std::string>& keys) const {
  std::vector<std::string> words{"send-keys", "-t", "=" + session_ + ":"};
  words.insert(words.end(), keys.begin(), keys.end());
  (void)tmux(std::move(words));
}

void Pane::resize(int columns, int rows) const {
  (void)tmux({"resize-window", "-t", "=" + session_ + ":", "-x", std::to_string(columns), "-y",
              std::to_string(rows)});
}

bool Pane::on_other_screen() const {
  return trim(tmux({"display-message", "-p", "-t", "=" + session_ + ":", "#{alternate_on}"})) ==
         "1";
}

pid_t Pane::program() const {
  const auto shell =
      trim(tmux({"display-message", "-p", "-t", "=" + session_ + ":", "#{pane_pid}"}));
  const std::string pid(shell);
  const auto children =
      real_files().read(fs::path("/proc") / pid / "task" / pid / "children").value_or("");
  return static_cast<pid_t>(parse_integer(trim(children)).value_or(0));
}

}  // namespace workflow::test
