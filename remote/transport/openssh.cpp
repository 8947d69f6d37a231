#include "common/clock.h"
#include "common/error.h"
#include "remote/transport/admission.h"
#include "remote/transport/master.h"
#include "remote/transport/openssh_channel.h"
#include "remote/transport/ssh.h"
#include "remote/transport/ssh_command.h"

namespace workflow::transport {
namespace {

class OpensshTransport final : public Transport {
 public:
  OpensshTransport(const Endpoint& endpoint, int interrupt_fd, std::string reason)
      : endpoint_(endpoint),
        interrupt_fd_(interrupt_fd),
        reason_(std::move(reason)),
        master_(endpoint, interrupt_fd) {}

  std::unique_ptr<Channel> open(const std::string& command) override {
    master_.open();
    return openssh_channel(endpoint_, master_.socket(), command, interrupt_fd_, place());
  }
  [[nodiscard]] std::string target() const override { return endpoint_.destination; }
  [[nodiscard]] std::string way() const override {
    return reason_.empty() ? "openssh" : "openssh (libssh2 cannot: " + reason_ + ")";
  }

 private:
  /// sshd allows 10 sessions on a connection (MaxSessions); we take 8 of them.
  [[nodiscard]] FileLock place() const {
    std::vector<fs::path> files;
    for (int n = 0; n < channels_at_once; ++n) {
      files.emplace_back(master_.socket().string() + "." + std::to_string(n));
    }
    const std::int64_t deadline = system_clock().steady_ms() + endpoint_.limit_ms();
    if (auto lock = first_free(files, deadline, interrupt_fd_)) return std::move(*lock);
    throw Error(Code::busy,
                std::to_string(channels_at_once) +
                    " commands of yours are at work on the connection to " + endpoint_.where(),
                "end one that follows: what it follows goes on");
  }

  static constexpr int channels_at_once = 8;

  Endpoint endpoint_;
  int interrupt_fd_;
  std::string reason_;
  Master master_;
};

/// Over a connection that the user's own ssh keeps open.
class SharedTransport final : public Transport {
 public:
  SharedTransport(Endpoint endpoint, int interrupt_fd)
      : endpoint_(std::move(endpoint)), interrupt_fd_(interrupt_fd) {}

  std::unique_ptr<Channel> open(const std::string& command) override {
    return openssh_channel(endpoint_, {}, command, interrupt_fd_);
  }
  [[nodiscard]] std::string target() const override { return endpoint_.destination; }
  [[nodiscard]] std::string way() const override { return "your own ssh connection"; }

 private:
  Endpoint endpoint_;
  int interrupt_fd_;
};

}  // namespace

std::unique_ptr<Transport> openssh_transport(const Endpoint& endpoint, int interrupt_fd,
                                             const std::string& reason) {
  return std::make_unique<OpensshTransport>(endpoint, interrupt_fd, reason);
}

std::unique_ptr<Transport> shared_transport(const Endpoint& endpoint, int interrupt_fd) {
  return std::make_unique<SharedTransport>(endpoint, interrupt_fd);
}

std::vector<std::string> terminal_argv(const Endpoint& endpoint, bool tty) {
  const fs::path ours = Master(endpoint, -1).socket();
  const bool open = master_answers(ours);
  std::vector<std::string> argv = ssh_argv(endpoint, !open);
  if (open) {
    add_options(argv, {"ControlMaster=no", "ControlPath=" + ssh_value(ours)});
  } else if (!endpoint.pod_id.empty()) {
    add_options(argv, {"ControlPath=none"});  // addresses of pods are used again
  }
  argv.insert(argv.end(), {tty ? "-t" : "-T", "--", endpoint.destination});
  return argv;
}

}  // namespace workflow::transport
