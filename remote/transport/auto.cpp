#include "remote/transport/master.h"
#include "remote/transport/refusal.h"
#include "remote/transport/remembered.h"
#include "remote/transport/ssh.h"

namespace workflow::transport {
namespace {

bool users_master_lives(const Endpoint& endpoint) {
  return endpoint.pod_id.empty() && master_answers(endpoint.control_path);
}

class AutoTransport final : public Transport {
 public:
  AutoTransport(Endpoint endpoint, int interrupt_fd)
      : endpoint_(std::move(endpoint)), interrupt_fd_(interrupt_fd) {}

  std::unique_ptr<Channel> open(const std::string& command) override {
    if (chosen_) return chosen_->open(command);
    if (users_master_lives(endpoint_)) {
      return keep(shared_transport(endpoint_, interrupt_fd_), command);
    }
    if (endpoint_.forwards_agent) return by_openssh("forward your agent", command);
    if (const auto reason = remembered_reason(endpoint_)) return by_openssh(*reason, command);
    try {
      return keep(libssh2_transport(endpoint_, interrupt_fd_), command);
    } catch (const NotForLibssh2& refusal) {
      auto channel = by_openssh(refusal.reason(), command);
      remember_reason(endpoint_, refusal.reason());
      return channel;
    }
  }
  [[nodiscard]] std::string target() const override { return endpoint_.destination; }
  [[nodiscard]] std::string way() const override { return chosen_ ? chosen_->way() : ""; }
  [[nodiscard]] std::int64_t round_trip_ms() const override {
    return chosen_ ? chosen_->round_trip_ms() : -1;
  }

 private:
  std::unique_ptr<Channel> keep(std::unique_ptr<Transport> way, const std::string& command) {
    auto channel = way->open(command);
    chosen_ = std::move(way);
    return channel;
  }

  std::unique_ptr<Channel> by_openssh(const std::string& reason, const std::string& command) {
    try {
      return keep(openssh_transport(endpoint_, interrupt_fd_, reason), command);
    } catch (const Error&) {
      forget_reason(endpoint_);
      throw;
    }
  }

  Endpoint endpoint_;
  int interrupt_fd_;
  std::unique_ptr<Transport> chosen_;
};

}  // namespace

std::unique_ptr<Transport> bulk_transport(const Endpoint& endpoint, int interrupt_fd) {
  if (users_master_lives(endpoint)) return shared_transport(endpoint, interrupt_fd);
  return openssh_transport(endpoint, interrupt_fd, {});
}

std::unique_ptr<Transport> auto_transport(const Endpoint& endpoint, int interrupt_fd) {
  return std::make_unique<AutoTransport>(endpoint, interrupt_fd);
}

}  // namespace workflow::transport
