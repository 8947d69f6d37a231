#include "apps/workflow-agent/wire.h"

#include "common/fd_io.h"

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

bool Wire::send(const Json& event) { return send_bytes(dump_json(event) + "\n"); }

bool Wire::send_bytes(const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  return write_locked(bytes);
}

bool Wire::client_gone() {
  const std::lock_guard lock(mutex_);
  return gone_;
}

bool Wire::write_locked(std::string_view bytes) {
  if (!gone_ && !write_all(fd_, bytes)) gone_ = true;
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
