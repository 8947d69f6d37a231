#include "client/forward.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "common/clock.h"
#include "common/error.h"
#include "common/fd_io.h"
#include "common/spawn.h"
#include "common/text.h"
#include "common/unique_fd.h"
#include "remote/transport/ssh_command.h"
#include "remote/transport/ssh_words.h"

namespace workflow::client {
namespace {

// A person may have to type a passphrase; without one, ssh itself gives up long before.
constexpr std::int64_t person_limit_ms = 120'000;
constexpr std::int64_t look_every_ms = 50;
constexpr std::int64_t first_pause_ms = 1'000;
constexpr std::int64_t longest_pause_ms = 30'000;
constexpr std::int64_t end_limit_ms = 3'000;

std::int64_t port_of(const std::string& text, const std::string& whole) {
  const auto port = parse_integer(text);
  if (port && *port > 0 && *port < 65536) return *port;
  throw Error(Code::usage, "'" + whole + "' is no port to forward",
              "PORT, LOCAL:PORT or LOCAL:HOST:PORT");
}

sockaddr_in loopback(std::int64_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

UniqueFd tcp_socket() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  if (!fd.valid()) throw_errno("cannot make a socket");
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  return fd;
}

/// ssh would say it, too, but only after the login and in its own words.
void require_free(std::int64_t port) {
  const UniqueFd fd = tcp_socket();
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
  throw Error(
      Code::precondition,
      "port " + std::to_string(port) + " of this machine cannot be used: " + errno_text(errno),
      "ask for another one here: workflow forward LOCAL:PORT");
}

bool listens(std::int64_t port) {
  const UniqueFd fd = tcp_socket();
  const sockaddr_in address = loopback(port);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// One ssh at work; ended with the object.
class Tunnel {
 public:
  Tunnel(const transport::Endpoint& endpoint, const std::vector<Forward>& forwards, bool can_ask) {
    SpawnSpec spec;
    spec.argv = transport::ssh_argv(endpoint, true);
    transport::log_to(spec.argv, log_);
    transport::add_options(spec.argv, transport::keepalive_options(endpoint));
    // A connection of its own: through a master, -L would be the master's and stay.
    transport::add_options(spec.argv, {"ControlPath=none", "ExitOnForwardFailure=yes",
                                       can_ask ? "BatchMode=no" : "BatchMode=yes"});
    for (const auto& forward : forwards) {
      spec.argv.insert(spec.argv.end(),
                       {"-L", "127.0.0.1:" + std::to_string(forward.local) + ":" + forward.host +
                                  ":" + std::to_string(forward.port)});
    }
    spec.argv.insert(spec.argv.end(), {"-N", "--", endpoint.destination});
    spec.new_session = !can_ask;
    spec.ends_with_us = true;  // a listener that outlived us would keep the port
    const Spawned child = spawn(spec);
    if (child.failure) {
      throw Error(Code::precondition, child.failure->words(), "forwarding needs the system's ssh");
    }
    pid_ = child.pid;
  }
  ~Tunnel() {
    if (pid_ > 0) ::kill(pid_, SIGTERM);
    const std::int64_t until = system_clock().steady_ms() + end_limit_ms;
    while (!ended() && system_clock().steady_ms() < until) ::poll(nullptr, 0, 10);
    if (ended()) return;
    ::kill(pid_, SIGKILL);
    (void)wait_for_child(pid_);
  }
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  [[nodiscard]] bool ended() {
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    return pid_ < 0;
  }
  /// What ssh said.
  [[nodiscard]] std::string words() const { return log_.words(); }

 private:
  pid_t pid_ = -1;
  transport::SshLog log_;
};

bool interrupted_within(std::int64_t limit_ms, int interrupt_fd) {
  pollfd in{interrupt_fd, POLLIN, 0};
  return ::poll(&in, 1, static_cast<int>(limit_ms)) > 0;
}

/// How one connection went.
enum class Went { interrupted, never_listened, lost };

Went serve(Tunnel& tunnel, const std::vector<Forward>& forwards, int interrupt_fd,
           const ForwardEvents& events) {
  const std::int64_t deadline = system_clock().steady_ms() + person_limit_ms;
  const auto all_listen = [&] {
    return std::all_of(forwards.begin(), forwards.end(),
                       [](const auto& forward) { return listens(forward.local); });
  };
  while (!all_listen()) {
    if (tunnel.ended() || system_clock().steady_ms() > deadline) return Went::never_listened;
    if (interrupted_within(look_every_ms, interrupt_fd)) return Went::interrupted;
  }
  events.on_listening();
  while (!tunnel.ended()) {
    if (interrupted_within(look_every_ms, interrupt_fd)) return Went::interrupted;
  }
  return Went::lost;
}

}  // namespace

Forward parse_forward(const std::string& text) {
  const auto parts = split(text, ':');
  if (parts.empty() || parts.size() > 3) (void)port_of("", text);
  Forward forward;
  forward.local = port_of(parts.front(), text);
  forward.port = port_of(parts.back(), text);
  if (parts.size() == 3) {
    forward.host = parts[1];
    const bool plain = !forward.host.empty() &&
                       std::all_of(forward.host.begin(), forward.host.end(), [](unsigned char c) {
                         return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
                       });
    if (!plain) throw Error(Code::usage, "'" + forward.host + "' is no name of a host");
  }
  return forward;
}

void forward_ports(Session& session, const std::vector<Forward>& forwards, int interrupt_fd,
                   const ForwardEvents& events) {
  if (!session.endpoint()) {
    throw Error(Code::usage, "the target is this machine: its ports are here already",
                "open http://127.0.0.1:" + std::to_string(forwards.front().port));
  }
  const transport::Endpoint& endpoint = *session.endpoint();
  for (const auto& forward : forwards) require_free(forward.local);
  const bool can_ask = ::isatty(STDIN_FILENO) == 1;
  bool ever_listened = false;
  std::int64_t pause_ms = first_pause_ms;
  while (true) {
    Went went = Went::lost;
    std::string words;
    {
      Tunnel tunnel(endpoint, forwards, !ever_listened && can_ask);
      went = serve(tunnel, forwards, interrupt_fd, events);
      words = tunnel.words();
    }
    if (went == Went::interrupted) return;
    if (went == Went::never_listened && !ever_listened) {
      transport::throw_for_end(endpoint, words, can_ask);
    }
    if (went == Went::lost) {
      ever_listened = true;
      pause_ms = first_pause_ms;
    }
    events.on_lost(words.empty() ? "ssh does not say why" : transport::in_one_line(words));
    if (interrupted_within(pause_ms, interrupt_fd)) return;
    pause_ms = std::min(pause_ms * 2, longest_pause_ms);
  }
}

}  // namespace workflow::client
