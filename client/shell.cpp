#include "client/shell.h"

#include <unistd.h>

#include <cstdlib>

#include "client/workflow.h"
#include "common/error.h"
#include "common/text.h"
#include "remote/link/upload.h"

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
  const Target target = parse_target(session.settings().target());
  const bool local = target.kind == Target::Kind::local;
  if (words.empty()) {
    if (!local) return {{"ssh", "-t", "--", target.destination}};
    const char* shell = std::getenv("SHELL");
    return {{shell != nullptr && *shell != '\0' ? shell : "/bin/sh", "-l"}};
  }
  // The call also brings the agent, which the words are for.
  const std::string dir = text_at(session.call({.verb = "place"}), "dir");
  if (local) return {words, dir};
  return {{"ssh", ::isatty(STDIN_FILENO) == 1 ? "-t" : "-T", "--", target.destination,
           link::become_command(link::agents(), dir, words)}};
}

Program task_window(Session& session, const std::string& task_id) {
  const Json data = task_attach(session, task_id);
  std::vector<std::string> argv;
  for (const auto& word : member(data, "attach_argv")) argv.push_back(word.get<std::string>());
  if (argv.empty()) {
    throw Error(Code::precondition, "there is no tmux on the target",
                "follow the log instead: workflow task-logs -f " + task_id);
  }
  const Target target = parse_target(session.settings().target());
  if (target.kind == Target::Kind::local) return {argv};
  std::string command;
  for (const auto& word : argv) command += (command.empty() ? "" : " ") + quoted(word);
  return {{"ssh", "-t", "--", target.destination, command}};
}

}  // namespace workflow::client
