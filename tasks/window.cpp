#include "tasks/window.h"

#include "common/subprocess.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t tmux_limit_ms = 5'000;

std::vector<std::string> tmux(const TmuxPlace& place, std::vector<std::string> words) {
  std::vector<std::string> argv{"tmux"};
  if (!place.socket.empty()) argv.insert(argv.end(), {"-L", place.socket});
  for (auto& word : words) {
    // tmux takes a word that ends in ';' as the end of its command.
    if (!word.empty() && word.back() == ';') word.insert(word.size() - 1, 1, '\\');
    argv.push_back(std::move(word));
  }
  return argv;
}

Captured run(const TmuxPlace& place, std::vector<std::string> words) {
  CaptureSpec spec;
  spec.argv = tmux(place, std::move(words));
  std::vector<std::string> hidden = place.secrets;
  hidden.emplace_back("TMUX");
  spec.env = environment_without(hidden);
  spec.limit_ms = tmux_limit_ms;
  return capture(spec);
}

}  // namespace

std::string open_window(const TmuxPlace& place, const std::string& title,
                        const std::vector<std::string>& argv) {
  if (place.session.empty()) return {};
  const auto open = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"-d", "-P", "-F", "#{window_id}", "-n", title});
    words.insert(words.end(), argv.begin(), argv.end());
    return run(place, std::move(words));
  };
  // A bare name would match by prefix: '=' makes it exact, ':' says the next free index.
  Captured made = open({"new-window", "-t", "=" + place.session + ":"});
  if (made.started && !made.ok()) {
    made = open({"new-session", "-x", "200", "-y", "50", "-s", place.session});
  }
  if (made.started && !made.ok()) {  // somebody else made the session in between
    made = open({"new-window", "-t", "=" + place.session + ":"});
  }
  if (!made.ok()) return {};
  const std::string id(trim(made.out));
  (void)run(place, {"set-option", "-w", "-t", id, "remain-on-exit", "failed"});
  return id;
}

bool window_exists(const TmuxPlace& place, const std::string& window, const std::string& title) {
  if (window.empty()) return false;
  const Captured answer =
      run(place, {"display-message", "-p", "-t", window, "#{session_name}:#{window_name}"});
  return answer.ok() && trim(answer.out) == place.session + ":" + title;
}

std::vector<std::string> attach_argv(const TmuxPlace& place, const std::string& window) {
  if (place.session.empty() || window.empty()) return {};
  std::vector<std::string> argv{"tmux"};
  if (!place.socket.empty()) argv.insert(argv.end(), {"-L", place.socket});
  argv.insert(argv.end(),
              {"attach", "-t", "=" + place.session, ";", "select-window", "-t", window});
  return argv;
}

std::string attach_command(const TmuxPlace& place, const std::string& window) {
  std::string text;
  for (const auto& word : attach_argv(place, window)) {
    text += (text.empty() ? "" : " ") + shell_quote(word);
  }
  return text;
}

}  // namespace workflow::tasks
