#include "remote/transport/tcp.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "remote/transport/refusal.h"

namespace workflow::transport {
namespace {

// A peer that acknowledges nothing for so long is taken for gone.
constexpr int peer_silence_ms = 10'000;
// After so long without an answer the next address is tried beside it (RFC 8305).
constexpr std::int64_t head_start_ms = 250;

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses look_up(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure =
      ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (failure != 0) throw has_no_address(endpoint, ::gai_strerror(failure));
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

/// Connects that are under way, in the order of their addresses.
class Race {
 public:
  explicit Race(int interrupt_fd) : interrupt_fd_(interrupt_fd) {}

  [[nodiscard]] bool empty() const { return running_.empty(); }
  [[nodiscard]] int failure() const { return failure_; }

  /// Starts one more; the socket when it was connected at once.
  UniqueFd start(const addrinfo& address) {
    UniqueFd fd(::socket(address.ai_family, address.ai_socktype, address.ai_protocol));
    if (!fd.valid()) {
      failure_ = errno;
      return {};
    }
    ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    tune(fd.get());
    if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return fd;
    failure_ = errno == EINPROGRESS ? ETIMEDOUT : errno;
    if (errno == EINPROGRESS) running_.push_back(std::move(fd));
    return {};
  }

  /// Waits until one is connected or failed, at most `limit_ms`; the connected one.
  UniqueFd wait(std::int64_t limit_ms) {
    std::vector<pollfd> fds{{interrupt_fd_, POLLIN, 0}};
    for (const auto& fd : running_) fds.push_back({fd.get(), POLLOUT, 0});
    if (::poll(fds.data(), static_cast<nfds_t>(fds.size()), static_cast<int>(limit_ms)) <= 0) {
      return {};
    }
    if (fds[0].revents != 0) throw Error(Code::detached, "detached");
    for (std::size_t i = running_.size(); i-- > 0;) {
      if (fds[i + 1].revents == 0) continue;
      int error = 0;
      socklen_t size = sizeof error;
      ::getsockopt(running_[i].get(), SOL_SOCKET, SO_ERROR, &error, &size);
      UniqueFd fd = std::move(running_[i]);
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      if (error == 0) return fd;
      failure_ = error;
    }
    return {};
  }

 private:
  int interrupt_fd_;
  int failure_ = EHOSTUNREACH;
  std::vector<UniqueFd> running_;
};

}  // namespace

UniqueFd connect_tcp(const Endpoint& endpoint, std::int64_t deadline, int interrupt_fd) {
  const Addresses addresses = look_up(endpoint);
  Race race(interrupt_fd);
  const addrinfo* next = addresses.get();
  while (next != nullptr || !race.empty()) {
    if (next != nullptr) {
      if (UniqueFd fd = race.start(*next); fd.valid()) return fd;
      next = next->ai_next;
      if (race.empty()) continue;
    }
    const std::int64_t left = deadline - system_clock().steady_ms();
    if (left <= 0) throw does_not_answer(endpoint);
    if (UniqueFd fd = race.wait(next != nullptr ? std::min(left, head_start_ms) : left);
        fd.valid()) {
      return fd;
    }
  }
  if (race.failure() == ECONNREFUSED) throw refuses_connections(endpoint);
  if (race.failure() == ETIMEDOUT) throw does_not_answer(endpoint);
  throw cannot_be_reached(endpoint, errno_text(race.failure()));
}

UniqueFd connect_unix(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = path.string();
  if (name.empty() || name.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, name.c_str(), name.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  if (!fd.valid()) return {};
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(fd.get(), where, sizeof address) == 0 ? std::move(fd) : UniqueFd();
}

}  // namespace workflow::transport
