#include "tests/support/proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <vector>

namespace workflow::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

void send_what_fits(int fd, std::string& bytes) {
  const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n > 0) bytes.erase(0, static_cast<std::size_t>(n));
}

}  // namespace

Proxy::Proxy(int to_port)
    : to_port_(to_port),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wake_(make_pipe()) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_.get(), 64) != 0 ||
      ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("proxy");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

Proxy::~Proxy() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake();
  thread_.join();
}

void Proxy::wake() const { [[maybe_unused]] const auto n = ::write(wake_.write.get(), "w", 1); }

void Proxy::cut_next_after(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  cut_next_ = bytes;
}

void Proxy::cut_all() {
  const std::lock_guard lock(mutex_);
  for (auto& relay : relays_) relay.left = 0;
  wake();
}

void Proxy::refuse() {
  const std::lock_guard lock(mutex_);
  refusing_ = true;
  wake();
}

void Proxy::stall() {
  const std::lock_guard lock(mutex_);
  stalled_ = true;
  wake();
}

void Proxy::flow() {
  const std::lock_guard lock(mutex_);
  stalled_ = false;
  wake();
}

int Proxy::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

std::size_t Proxy::carried() const {
  const std::lock_guard lock(mutex_);
  return carried_;
}

void Proxy::accept_one() {
  UniqueFd near(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  UniqueFd far(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(to_port_);
  if (::connect(far.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return;
  ::fcntl(far.get(), F_SETFL, O_NONBLOCK);
  const int on = 1;
  for (const int fd : {near.get(), far.get()}) {
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  relays_.push_back({std::move(near), std::move(far), {}, {}, std::exchange(cut_next_, never)});
  carried_ = 0;
  ++connections_;
}

/// Takes what has come; at the cut the relay is marked by 0 bytes left.
void Proxy::move(int from, std::string& into, Relay& relay) {
  std::array<char, 65536> buffer;
  const ssize_t n = ::recv(from, buffer.data(), std::min(buffer.size(), relay.left), 0);
  if (n <= 0) {
    relay.left = 0;
    return;
  }
  const auto size = static_cast<std::size_t>(n);
  into.append(buffer.data(), size);
  carried_ += size;
  if (relay.left != never) relay.left -= size;
}

void Proxy::serve() {
  while (true) {
    std::vector<pollfd> fds{{listener_.get(), POLLIN, 0}, {wake_.read.get(), POLLIN, 0}};
    {
      const std::lock_guard lock(mutex_);
      for (const auto& relay : relays_) {
        const auto wants = [&](const std::string& in, const std::string& out) -> short {
          if (stalled_) return 0;
          return static_cast<short>((in.empty() ? POLLIN : 0) | (out.empty() ? 0 : POLLOUT));
        };
        fds.push_back({relay.near.get(), wants(relay.to_far, relay.to_near), 0});
        fds.push_back({relay.far.get(), wants(relay.to_near, relay.to_far), 0});
      }
    }
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    const std::lock_guard lock(mutex_);
    std::array<char, 64> waste;
    if (fds[1].revents != 0 && ::read(wake_.read.get(), waste.data(), waste.size()) < 0) return;
    if (ending_) return;
    if (refusing_) listener_.reset();
    std::size_t i = 2;
    for (auto relay = relays_.begin(); relay != relays_.end() && i < fds.size(); i += 2) {
      const short near = fds[i].revents;
      const short far = fds[i + 1].revents;
      if (!stalled_) {
        // Nothing more is taken, not even the end, before what was taken has been passed on.
        if ((near & (POLLIN | POLLHUP)) != 0 && relay->to_far.empty()) {
          move(relay->near.get(), relay->to_far, *relay);
        }
        if ((far & (POLLIN | POLLHUP)) != 0 && relay->to_near.empty() && relay->left > 0) {
          move(relay->far.get(), relay->to_near, *relay);
        }
        send_what_fits(relay->near.get(), relay->to_near);
        send_what_fits(relay->far.get(), relay->to_far);
      }
      relay = relay->left == 0 ? relays_.erase(relay) : std::next(relay);
    }
    if (fds[0].revents != 0 && listener_.valid()) accept_one();
  }
}

}  // namespace workflow::test
