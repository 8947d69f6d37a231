#include "apps/workflow-agent/wire.h"

#include <unistd.h>

#include <cerrno>

namespace workflow::agent {
namespace {

constexpr std::chrono::seconds heartbeat{3};

}  // namespace

Wire::Wire(int fd)
    : fd_(fd),
      last_(std::chrono::steady_clock::now()),
      heart_([this](const std::stop_token& stop) { beat(stop); }) {}

Wire::~Wire() {
  heart_.request_stop();
  heart_.join();
}

bool Wire::send(const Json& event) {
  const std::string line = dump_json(event) + "\n";
  const std::lock_guard lock(mutex_);
  return write_locked(line);
}

bool Wire::client_gone() {
  const std::lock_guard lock(mutex_);
  return gone_;
}

bool Wire::write_locked(const std::string& line) {
  std::string_view left = line;
  while (!gone_ && !left.empty()) {
    const ssize_t n = ::write(fd_, left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) gone_ = true;
    if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
  }
  last_ = std::chrono::steady_clock::now();
  return !gone_;
}

void Wire::beat(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() && !gone_) {
    const auto due = last_ + heartbeat;
    if (stopping_.wait_until(lock, stop, due, [] { return false; })) return;
    if (stop.stop_requested()) return;
    if (std::chrono::steady_clock::now() >= last_ + heartbeat) {
      write_locked("{\"event\":\"alive\"}\n");
    }
  }
}

}  // namespace workflow::agent
