#include "remote/transport/proxy.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "common/clock.h"
#include "common/spawn.h"
#include "remote/transport/own_files.h"
#include "remote/transport/refusal.h"
#include "remote/transport/ssh_command.h"

namespace workflow::transport {
namespace {

/// `[user@]host[:port]` with brackets round an IPv6 address, as `ssh -G` prints a hop.
struct Hop {
  std::string user;
  std::string host;
  std::string port;
};

Hop parse_hop(std::string text) {
  Hop hop;
  if (text.rfind("ssh://", 0) == 0) text.erase(0, 6);
  if (const auto at = text.rfind('@'); at != std::string::npos) {
    hop.user = text.substr(0, at);
    text.erase(0, at + 1);
  }
  if (text.rfind('[', 0) == 0 && text.find(']') != std::string::npos) {
    const auto end = text.find(']');
    hop.host = text.substr(1, end - 1);
    if (text.size() > end + 2) hop.port = text.substr(end + 2);
  } else if (const auto colon = text.find(':');
             colon != std::string::npos && colon == text.rfind(':')) {
    hop.host = text.substr(0, colon);
    hop.port = text.substr(colon + 1);
  } else {
    hop.host = text;
  }
  return hop;
}

std::vector<std::string> jump_argv(const Endpoint& endpoint) {
  const auto comma = endpoint.proxy_jump.rfind(',');
  const bool several = comma != std::string::npos;
  const Hop last = parse_hop(several ? endpoint.proxy_jump.substr(comma + 1) : endpoint.proxy_jump);
  // It gives up before we do, so that its words are heard.
  const std::int64_t seconds = std::max<std::int64_t>(1, endpoint.limit_ms() / 1000 - 1);
  std::vector<std::string> argv{"ssh"};
  add_options(argv, {"BatchMode=yes", "ConnectTimeout=" + std::to_string(seconds),
                     "ServerAliveInterval=5", "ServerAliveCountMax=2"});
  if (several) argv.insert(argv.end(), {"-J", endpoint.proxy_jump.substr(0, comma)});
  if (!last.user.empty()) argv.insert(argv.end(), {"-l", last.user});
  if (!last.port.empty()) argv.insert(argv.end(), {"-p", last.port});
  argv.insert(argv.end(), {"-W", "[" + endpoint.host + "]:" + std::to_string(endpoint.port)});
  argv.insert(argv.end(), {"--", last.host});
  return argv;
}

/// As ssh expands the tokens of a ProxyCommand (ssh_config(5), TOKENS); nothing for other tokens.
std::optional<std::string> expand(const Endpoint& endpoint) {
  std::string out;
  const std::string& text = endpoint.proxy_command;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    switch (i + 1 < text.size() ? text[++i] : '\0') {
      case '%':
        out += '%';
        break;
      case 'h':
        out += endpoint.host;
        break;
      case 'n':
        out += endpoint.alias;
        break;
      case 'p':
        out += std::to_string(endpoint.port);
        break;
      case 'r':
        out += endpoint.user;
        break;
      default:
        return std::nullopt;
    }
  }
  return out;
}

/// The two ends of the way; a byte that nobody reads any more must not end us by SIGPIPE.
std::pair<UniqueFd, UniqueFd> socket_pair() {
  std::array<int, 2> fds{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) != 0) throw_errno("socketpair");
  for (const int fd : fds) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
#ifdef SO_NOSIGPIPE
  const int on = 1;
  ::setsockopt(fds[0], SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

/// Takes any number of words without anybody reading them, as a pipe would not.
UniqueFd nameless_file() {
  std::string path = (runtime_directory() / "proxy-XXXXXX").string();
  UniqueFd fd(::mkstemp(path.data()));
  if (!fd.valid()) throw_errno("'" + path + "'");
  ::unlink(path.c_str());
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(fd.get(), F_SETFL, O_APPEND);
  return fd;
}

}  // namespace

std::vector<std::string> proxy_argv(const Endpoint& endpoint) {
  if (!endpoint.proxy_jump.empty()) return jump_argv(endpoint);
  if (endpoint.proxy_hands_over) throw NotForLibssh2("its ProxyCommand hands over a descriptor");
  const auto command = expand(endpoint);
  if (!command) throw NotForLibssh2("its ProxyCommand has tokens that only ssh knows");
  const char* shell = std::getenv("SHELL");
  return {shell != nullptr && *shell == '/' ? shell : "/bin/sh", "-c", "exec " + *command};
}

std::string words_of_proxy(const Endpoint& endpoint) try {
  return Proxy(endpoint).words(3'000);
} catch (const NotForLibssh2&) {
  return {};
}

Proxy::Proxy(const Endpoint& endpoint) {
  auto [ours, theirs] = socket_pair();
  UniqueFd err = nameless_file();
  const Spawned child = spawn({.argv = proxy_argv(endpoint),
                               .in = theirs.get(),
                               .out = theirs.get(),
                               .err = err.get(),
                               .new_session = true});
  if (child.failure) {
    throw cannot_be_reached(endpoint, child.failure->words());
  }
  pid_ = child.pid;
  socket_ = std::move(ours);
  err_ = std::move(err);
}

Proxy::~Proxy() {
  socket_.reset();
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGTERM);
  if (ended(1'000)) return;
  ::kill(-pid_, SIGKILL);
  (void)ended(1'000);
}

bool Proxy::ended(std::int64_t limit_ms) {
  const std::int64_t deadline = system_clock().steady_ms() + limit_ms;
  while (pid_ > 0) {
    const pid_t gone = ::waitpid(pid_, nullptr, WNOHANG);
    if (gone == pid_ || (gone < 0 && errno != EINTR)) {
      pid_ = -1;
    } else if (system_clock().steady_ms() >= deadline) {
      return false;
    } else {
      ::poll(nullptr, 0, 2);
    }
  }
  return true;
}

std::string Proxy::words(std::int64_t limit_ms) {
  (void)ended(limit_ms);
  std::array<char, 8192> buffer;
  const ssize_t n = ::pread(err_.get(), buffer.data(), buffer.size(), 0);
  return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : "";
}

}  // namespace workflow::transport
