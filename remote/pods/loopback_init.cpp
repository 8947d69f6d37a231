#include "remote/pods/loopback_init.h"

#include <cstdio>

#include "common/error.h"

#ifdef __linux__

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "common/clock.h"
#include "common/spawn.h"
#include "remote/pods/loopback_pod.h"
#include "remote/pods/own_program.h"

namespace workflow::pods {
namespace {

constexpr std::int64_t grace_ms = 5'000;         ///< from TERM to KILL
constexpr std::int64_t most_ending_ms = 60'000;  ///< then it is given up, and said so
constexpr std::int64_t listen_limit_ms = 10'000;
constexpr int most_ports = 50;

int free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (!fd.valid() || ::bind(fd.get(), generic, size) != 0 ||
      ::getsockname(fd.get(), generic, &size) != 0) {
    throw_errno("cannot find a free port on 127.0.0.1");
  }
  return ntohs(address.sin_port);
}

class Init {
 public:
  explicit Init(const std::string& id) : id_(id) {
    reread();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  void run() {
    if (!pod_.ending) listen();
    while (!pod_.ending && !over()) {
      if (sshd_ < 0) (void)start_sshd();  // somebody ended it; the pod's work goes on
      wait(sshd_ < 0 ? 1'000 : until_end());
    }
    end_all();
  }

 private:
  void reread() {
    const auto pod = read_loopback_pod(id_);
    if (!pod) throw Error(Code::not_found, "there is no loopback pod '" + id_ + "'");
    pod_ = *pod;
  }

  /// Between finding a free port and sshd's bind another program may take it.
  void listen() {
    for (int n = 0; n < most_ports; ++n) {
      pod_.port = free_port();
      if (start_sshd()) {
        const auto port = pod_.port;
        (void)change_loopback_pod(id_, [&](LoopbackPod& pod) { pod.port = port; });
        return reread();
      }
    }
    throw Error(Code::precondition, "sshd does not come up", "its words are above");
  }

  /// Starts sshd and waits until it listens; false when it ended instead.
  bool start_sshd() {
    const fs::path program = find_executable("sshd");
    if (program.empty()) {
      throw Error(Code::precondition, "there is no sshd on this machine",
                  "apt-get install openssh-server");
    }
    if (::geteuid() == 0) ::mkdir("/run/sshd", 0755);  // its own, which only root's sshd wants
    const fs::path config = write_sshd_config(pod_);
    const std::string ready = "Server listening on 127.0.0.1 port " + std::to_string(pod_.port);
    const auto before = read_file(pod_.log()).size();
    const Spawned server = spawn({.argv = {program.string(), "-D", "-e", "-f", config.string()},
                                  .env = environment_with({pod_.mark()}),
                                  .out = STDERR_FILENO,
                                  .err = STDERR_FILENO,
                                  .new_session = true,
                                  .ends_with_us = true});
    if (server.failure) throw Error(Code::precondition, server.failure->words());
    sshd_ = server.pid;
    const std::int64_t deadline = system_clock().steady_ms() + listen_limit_ms;
    while (read_file(pod_.log()).find(ready, before) == std::string::npos) {
      if (system_clock().steady_ms() > deadline) ::kill(sshd_, SIGKILL);
      wait(10);
      if (sshd_ < 0) return false;
    }
    return true;
  }

  [[nodiscard]] std::int64_t until_end() const {
    const auto end = parse_utc(pod_.ends_at);
    // The clock may jump: it is looked at again every minute.
    return end ? std::clamp<std::int64_t>(*end - system_clock().now_ms(), 0, 60'000) : 60'000;
  }
  [[nodiscard]] bool over() const { return !pod_.ends_at.empty() && until_end() == 0; }

  /// Waits for a signal, collects who has ended, and reads the record where it was changed.
  void wait(std::int64_t limit_ms) {
    pollfd fd{signals_.get(), POLLIN, 0};
    (void)::poll(&fd, 1, static_cast<int>(limit_ms));
    signalfd_siginfo told{};
    while (::read(signals_.get(), &told, sizeof told) == sizeof told) {
      if (told.ssi_signo == SIGHUP) reread();
      if (told.ssi_signo == SIGTERM || told.ssi_signo == SIGINT) pod_.ending = true;
    }
    while (true) {
      const pid_t ended = ::waitpid(-1, nullptr, WNOHANG);
      if (ended <= 0) break;
      if (ended == sshd_) sshd_ = -1;
    }
  }

  /// Everything below us, where all that lost its parent in the pod comes to, and everything that
  /// carries the pod's variable: it may have been started before another init of this pod.
  [[nodiscard]] std::vector<tasks::ProcessRef> left() const {
    auto found = tasks::descendants(::getpid());
    for (const auto& process : inhabitants(pod_)) found.push_back(process);
    return found;
  }

  void end_all() {
    (void)change_loopback_pod(id_, [](LoopbackPod& pod) { pod.ending = true; });
    const std::int64_t begin = system_clock().steady_ms();
    std::set<pid_t> asked;
    for (auto alive = left(); !alive.empty(); alive = left()) {
      const std::int64_t since = system_clock().steady_ms() - begin;
      if (since > most_ending_ms) {
        throw Error(Code::precondition, "these do not end: " + tasks::command_line(alive[0].pid));
      }
      for (const auto& process : alive) {
        if (since > grace_ms) {
          tasks::send_signal(process, SIGKILL);
        } else if (asked.insert(process.pid).second) {
          tasks::send_signal(process, SIGTERM);
          tasks::send_signal(process, SIGCONT);
        }
      }
      wait(since > 200 ? 50 : 10);
    }
    if (!remove_loopback_files(pod_)) {
      throw Error(Code::precondition, "files of the pod are left in '" + pod_.root.string() + "'");
    }
  }

  std::string id_;
  LoopbackPod pod_;
  UniqueFd signals_;
  pid_t sshd_ = -1;
};

}  // namespace

int loopback_init(const std::string& id) {
  try {
    Init(id).run();
    return 0;
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "loopback-init: %s\n", fault.what());
    return 1;
  }
}

}  // namespace workflow::pods

#else

namespace workflow::pods {

int loopback_init(const std::string&) {
  std::fputs("loopback-init: only on Linux\n", stderr);
  return 1;
}

}  // namespace workflow::pods

#endif
