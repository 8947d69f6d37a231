#include "tests/support/far_space.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "tasks/process.h"
#include "tests/support/provoked.h"

namespace workflow::test {

FarSpace::FarSpace(const std::string& way, const std::string& settings) : space(settings) {
  ::signal(SIGPIPE, SIG_IGN);  // a command may end before it has read all that a test gives it
  fs::create_directories(far());
  space.set("OPS_REMOTE_REPO=" + far().string());
  space.set("OPS_REMOTE_OUTPUTS_DIR=" + space.outputs().string());
  if (way == "local") return;
  sshd_ = std::make_unique<Sshd>("SetEnv HOME=" + space.home().string() + "\n");
  const char* path = std::getenv("PATH");
  space.set("PATH=" + sshd_->ssh_bin().string() + ":" + (path != nullptr ? path : ""));
  space.set("XDG_RUNTIME_DIR=" + sshd_->dir().string());
  space.set("SSH_AUTH_SOCK=");
  space.set("WF_TARGET=ssh:pod");
  space.set("WF_TRANSPORT=" + way);
}

Captured FarSpace::run(std::vector<std::string> words, const std::string& input) const {
  words.insert(words.begin(), workflow_program());
  CaptureSpec spec;
  spec.argv = std::move(words);
  spec.env = space.environment();
  spec.workdir = space.dir();
  spec.input = input;
  spec.limit_ms = 120'000;
  return provoked(spec);
}

void FarSpace::cut() const {
  for (const auto& process : tasks::descendants(::getpid())) {
    const std::string line = tasks::command_line(process.pid);
    const bool session = line.rfind("sshd: ", 0) == 0 && line.find("listener") == std::string::npos;
    if (session) tasks::send_signal(process, SIGKILL);
  }
}

}  // namespace workflow::test
