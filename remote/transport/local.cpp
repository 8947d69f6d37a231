#include "remote/transport/process_channel.h"

namespace workflow::transport {
namespace {

class LocalTransport final : public Transport {
 public:
  explicit LocalTransport(int interrupt_fd) : interrupt_fd_(interrupt_fd) {}
  std::unique_ptr<Channel> open(const std::string& command) override {
    return process_channel({"/bin/sh", "-c", command}, interrupt_fd_);
  }
  [[nodiscard]] std::string target() const override { return "this machine"; }

 private:
  int interrupt_fd_;
};

}  // namespace

std::unique_ptr<Transport> local_transport(int interrupt_fd) {
  return std::make_unique<LocalTransport>(interrupt_fd);
}

}  // namespace workflow::transport
