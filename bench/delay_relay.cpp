#include "bench/delay_relay.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <stdexcept>
#include <string>

namespace workflow::bench {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

void no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// Now, and not up to 40 ms later: ssh waits for it (Nagle) before it sets TCP_NODELAY. The kernel
/// forgets this again.
void acknowledge(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/// One direction: what has come and when it is due on the other side.
class Line {
 public:
  Line(int from, int to, Clock::duration one_way) : from_(from), to_(to), one_way_(one_way) {}

  /// What poll is to ask for.
  [[nodiscard]] int source() const { return ended_ ? -1 : from_; }
  [[nodiscard]] bool done() const { return ended_ && held_.empty(); }
  [[nodiscard]] Clock::time_point due() const {
    return held_.empty() ? Clock::time_point::max() : held_.front().due;
  }

  void take() {
    std::array<char, 65536> buffer;
    const ssize_t n = ::recv(from_, buffer.data(), buffer.size(), 0);
    acknowledge(from_);
    if (n < 0 && errno == EINTR) return;
    ended_ = n <= 0;
    held_.push_back(
        {Clock::now() + one_way_,
         std::string(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)))});
  }

  /// Passes on what is due; an empty chunk is the end.
  void pass() {
    for (; !held_.empty() && held_.front().due <= Clock::now(); held_.pop_front()) {
      std::string_view bytes = held_.front().bytes;
      if (bytes.empty()) ::shutdown(to_, SHUT_WR);
      while (!bytes.empty()) {
        const ssize_t n = ::send(to_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) break;  // nobody is there any more
        bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
      }
    }
  }

 private:
  struct Held {
    Clock::time_point due;
    std::string bytes;
  };
  int from_;
  int to_;
  Clock::duration one_way_;
  bool ended_ = false;
  std::deque<Held> held_;
};

}  // namespace

DelayRelay::DelayRelay(int to_port, std::chrono::milliseconds one_way)
    : to_port_(to_port),
      one_way_(one_way),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      ending_(make_pipe()) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_.get(), 64) != 0 ||
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no relay");
  }
  port_ = ntohs(address.sin_port);
  server_ = std::thread([this] { serve(); });
}

DelayRelay::~DelayRelay() {
  ending_.write.reset();
  server_.join();
  for (auto& connection : connections_) connection.join();
}

void DelayRelay::serve() {
  while (true) {
    std::array<pollfd, 2> fds{{{listener_.get(), POLLIN, 0}, {ending_.read.get(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), -1);
    if (fds[1].revents != 0) return;
    UniqueFd near(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    UniqueFd far(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(to_port_);
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    if (!near.valid() || ::connect(far.get(), where, sizeof address) != 0) continue;
    no_delay(near.get());
    no_delay(far.get());
    connections_.emplace_back(
        [this, near = std::move(near), far = std::move(far)] { carry(near, far); });
  }
}

void DelayRelay::carry(const UniqueFd& near, const UniqueFd& far) const {
  Line there(near.get(), far.get(), one_way_);
  Line back(far.get(), near.get(), one_way_);
  while (!there.done() || !back.done()) {
    std::array<pollfd, 3> fds{
        {{there.source(), POLLIN, 0}, {back.source(), POLLIN, 0}, {ending_.read.get(), POLLIN, 0}}};
    const auto due = std::min(there.due(), back.due());
    const auto left = std::max(due - Clock::now(), Clock::duration::zero());
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    const timespec limit{ns / 1'000'000'000, ns % 1'000'000'000};
    ::ppoll(fds.data(), fds.size(), due == Clock::time_point::max() ? nullptr : &limit, nullptr);
    if (fds[2].revents != 0) return;
    if (fds[0].revents != 0) there.take();
    if (fds[1].revents != 0) back.take();
    there.pass();
    back.pass();
  }
}

}  // namespace workflow::bench
