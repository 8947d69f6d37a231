#include "remote/transport/tcp.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

namespace workflow::transport {
namespace {

// A peer that acknowledges nothing for so long is taken for gone.
constexpr int peer_silence_ms = 10'000;

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses look_up(const std::string& host, std::int64_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failure != 0) {
    throw Error(Code::unreachable, "'" + host + "' has no address: " + ::gai_strerror(failure),
                "is the name right, and is there a network?");
  }
  return Addresses(found, &::freeaddrinfo);
}

void tune(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#ifdef TCP_USER_TIMEOUT
  const int idle = 5;
  const int times = 2;
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &peer_silence_ms, sizeof peer_silence_ms);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &times, sizeof times);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
#endif
}

/// Waits for a connect to end; its errno, or ETIMEDOUT.
int finish_connect(int fd, std::int64_t deadline, int interrupt_fd) {
  while (true) {
    const std::int64_t left = deadline - system_clock().steady_ms();
    if (left <= 0) return ETIMEDOUT;
    std::array<pollfd, 2> fds{{{fd, POLLOUT, 0}, {interrupt_fd, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), static_cast<int>(left)) < 0 && errno == EINTR) continue;
    if (fds[1].revents != 0) throw Error(Code::detached, "detached");
    if (fds[0].revents == 0) continue;
    int failure = 0;
    socklen_t size = sizeof failure;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    return failure;
  }
}

}  // namespace

UniqueFd connect_tcp(const std::string& host, std::int64_t port, std::int64_t limit_ms,
                     int interrupt_fd) {
  const Addresses addresses = look_up(host, port);
  const std::int64_t deadline = system_clock().steady_ms() + limit_ms;
  int failure = EHOSTUNREACH;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    UniqueFd fd(::socket(address->ai_family, address->ai_socktype, address->ai_protocol));
    if (!fd.valid()) continue;
    ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    tune(fd.get());
    if (::connect(fd.get(), address->ai_addr, address->ai_addrlen) == 0) return fd;
    failure = errno == EINPROGRESS ? finish_connect(fd.get(), deadline, interrupt_fd) : errno;
    if (failure == 0) return fd;
  }
  const std::string where = host + ":" + std::to_string(port);
  if (failure == ECONNREFUSED) {
    throw Error(Code::unreachable, where + " refuses connections",
                "is its sshd running, and is the port right?");
  }
  if (failure == ETIMEDOUT) {
    throw Error(Code::unreachable,
                where + " does not answer (connect timed out after " +
                    human_duration(limit_ms / 1000) + ")",
                "is the machine up, and does a firewall let you through?");
  }
  throw Error(Code::unreachable, where + " cannot be reached: " + errno_text(failure));
}

}  // namespace workflow::transport
