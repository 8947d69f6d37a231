#include "client/shell.h"

#include <unistd.h>

#include <cstdlib>

#include "client/workflow.h"
#include "common/error.h"
#include "common/text.h"
#include "remote/link/shell_lines.h"
#include "remote/transport/ssh.h"

namespace workflow::client {
namespace {

/// A word in single quotes means itself to every shell, but for these.
std::string quoted(const std::string& word) {
  for (const unsigned char c : word) {
    if (c < ' ' || c == '\'' || c == '!' || c == '\\') {
      throw Error(Code::usage, "'" + word + "' cannot be part of a command for the target",
                  "letters, digits, '.', '_' and '-' only: WF_TMUX_SOCKET, WF_TMUX_SESSION");
    }
  }
  return "'" + word + "'";
}

}  // namespace

Program shell(Session& session, const std::vector<std::string>& words) {
  const bool local = !session.endpoint();
  if (words.empty()) {
    if (!local) return {transport::terminal_argv(*session.endpoint(), true)};
    const char* shell = std::getenv("SHELL");
    return {{shell != nullptr && *shell != '\0' ? shell : "/bin/sh", "-l"}};
  }
  // The call also brings the agent, which the words are for.
  const std::string dir = text_at(session.call({.verb = "place"}), "dir");
  if (local) return {words, dir};
  auto argv = transport::terminal_argv(*session.endpoint(), ::isatty(STDIN_FILENO) == 1);
  argv.push_back(link::become_command(link::agents(), dir, words));
  return {argv};
}

Program task_window(Session& session, const std::string& task_id) {
  const Json data = task_attach(session, task_id);
  std::vector<std::string> argv;
  for (const auto& word : member(data, "attach_argv")) argv.push_back(word.get<std::string>());
  if (argv.empty()) {
    throw Error(Code::precondition, "there is no tmux on the target",
                "follow the log instead: workflow task-logs -f " + task_id);
  }
  if (!session.endpoint()) return {argv};
  std::string command;
  for (const auto& word : argv) command += (command.empty() ? "" : " ") + quoted(word);
  auto ssh = transport::terminal_argv(*session.endpoint(), true);
  ssh.push_back(command);
  return {ssh};
}

}  // namespace workflow::client
