#include "tests/support/reach.h"
#include "tests/support/answers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>

#include "tasks/process.h"

namespace workflow::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

UniqueFd connecting(int port, int& result) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const sockaddr_in address = loopback(port);
  result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return fd;
}

}  // namespace

Reach::Reach() {
  const char* path = std::getenv("PATH");
  space.write("bin/ssh", "");
  real_files().write(
      space.dir() / "bin/ssh",
      "#!/bin/sh\nexec /usr/bin/ssh -F '" + (space.dir() / "ssh_config").string() + "' \"$@\"\n",
      {.mode = 0755});
  space.write("ssh_config", "");
  space.set("PATH=" + (space.dir() / "bin").string() + ":" + (path != nullptr ? path : ""));
  space.set("XDG_RUNTIME_DIR=" + space.dir().string());
  space.set("SSH_AUTH_SOCK=");
  space.set("OPS_REMOTE_OUTPUTS_DIR=" + (space.dir() / "there").string());
}

Reach::~Reach() { end_masters(); }

void Reach::add(const std::string& lines) const {
  space.write("ssh_config", space.read("ssh_config") + lines);
}

void Reach::host(const std::string& alias, const Sshd& sshd, const std::string& first) {
  at(alias, sshd.port(),
     first + "\n IdentityFile " + (sshd.dir() / "id").string() +
         "\n IdentitiesOnly yes\n UserKnownHostsFile " + (sshd.dir() / "known_hosts").string());
}

void Reach::at(const std::string& alias, int port, const std::string& first) {
  add("Host " + alias + "\n " + first + "\n HostName 127.0.0.1\n Port " + std::to_string(port) +
      "\n User " + Sshd::user() + "\n");
}

std::vector<std::string> Reach::words(const std::string& alias) const {
  return {"--target", "ssh:" + alias, "-v", "fsm-status"};
}

Captured Reach::ask(const std::string& alias, const std::string& way) {
  space.set("WF_TRANSPORT=" + way);
  return space.run(words(alias));
}

pid_t Reach::start(const std::string& alias, const std::string& way, const std::string& out) {
  space.set("WF_TRANSPORT=" + way);
  return space.start(words(alias), out);
}

std::size_t Reach::processes(const std::string& words) const {
  std::size_t count = 0;
  for (const auto& process : tasks::carrying("HOME=" + space.home().string())) {
    if (contains(tasks::command_line(process.pid), words)) ++count;
  }
  return count;
}

void Reach::end_masters() const {
  for (const auto& name : real_files().list(space.dir() / "workflow")) {
    const std::string socket = (space.dir() / "workflow" / name).string();
    if (!fs::is_socket(socket)) continue;
    CaptureSpec end;
    end.argv = {"/usr/bin/ssh", "-F", "none", "-o", "ControlPath=" + socket, "-O", "exit", "pod"};
    (void)capture(end);
  }
}

Listener::Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(fd_.get(), 0) != 0 ||
      ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no listening socket");
  }
  port_ = ntohs(address.sin_port);
}

std::size_t Listener::queued() const {
  pollfd more{fd_.get(), POLLIN, 0};
  while (::poll(&more, 1, 0) == 1) {
    taken_.emplace_back(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  return taken_.size();
}

void Listener::fill() {
  // With an empty queue one connection is taken at once; the first that is not found it full.
  for (int i = 0; i < 16; ++i) {
    int result = 0;
    waiting_.push_back(connecting(port_, result));
    pollfd done{waiting_.back().get(), POLLOUT, 0};
    if (result != 0 && ::poll(&done, 1, 200) == 0) return;
  }
  throw std::runtime_error("the queue takes any number");
}

UniqueFd connected(int port) {
  int result = 0;
  UniqueFd fd = connecting(port, result);
  pollfd done{fd.get(), POLLOUT, 0};
  if (result != 0) ::poll(&done, 1, 5'000);
  return fd;
}

bool greeted(const UniqueFd& connection) {
  pollfd ready{connection.get(), POLLIN, 0};
  char byte = 0;
  return ::poll(&ready, 1, 10'000) == 1 && ::read(connection.get(), &byte, 1) == 1 && byte == 'S';
}

int exit_of(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return ExitStatus::from_wait(status).code.value_or(-1);
}

}  // namespace workflow::test
