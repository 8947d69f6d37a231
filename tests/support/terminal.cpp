#include "tests/support/terminal.h"

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "common/text.h"
#include "common/unique_fd.h"
#include "tests/support/provoked.h"

namespace workflow::test {
namespace {

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (auto& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Shown show_on_terminal(const Workspace& space, std::vector<std::string> words, int columns,
                       const Reply& reply) {
  words.insert(words.begin(), workflow_program());
  std::vector<std::string> env = space.environment();
  std::replace(env.begin(), env.end(), std::string("TERM=dumb"), std::string("TERM=xterm"));
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(env);
  winsize size{};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(columns);
  int master = -1;
  const pid_t pid = ::forkpty(&master, nullptr, nullptr, &size);
  if (pid < 0) throw std::runtime_error("forkpty");
  if (pid == 0) {
    if (::chdir(space.dir().c_str()) == 0) ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  const UniqueFd terminal(master);
  Shown shown;
  bool typed = reply.prompt.empty();
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(master, buffer, sizeof buffer)) > 0;) {
    shown.bytes.append(buffer, static_cast<std::size_t>(n));
    if (!typed && shown.bytes.find(reply.prompt) != std::string::npos) {
      typed = ::write(master, reply.typed.data(), reply.typed.size()) > 0;
    }
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  std::string plain = shown.bytes;
  std::erase(plain, '\r');
  note_words(words, plain);
  shown.status = ExitStatus::from_wait(status);
  return shown;
}

std::vector<std::string> printed_lines(const std::string& bytes) {
  std::string plain;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\033') {
      while (i < bytes.size() && std::isalpha(static_cast<unsigned char>(bytes[i])) == 0) ++i;
    } else if (bytes[i] != '\r') {
      plain += bytes[i];
    }
  }
  return split(plain, '\n');
}

}  // namespace workflow::test
