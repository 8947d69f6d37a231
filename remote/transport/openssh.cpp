#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "common/error.h"
#include "common/sha256.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "remote/transport/login_shell.h"
#include "remote/transport/process_channel.h"
#include "remote/transport/refusal.h"
#include "remote/transport/ssh.h"

namespace workflow::transport {
namespace {

/// A directory of ours alone for the sockets; short, because a socket's path has at most 104 bytes.
fs::path socket_directory() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const fs::path dir = runtime != nullptr && *runtime != '\0'
                           ? fs::path(runtime) / "workflow"
                           : fs::path("/tmp/workflow-" + std::to_string(::geteuid()));
  ::mkdir(dir.c_str(), 0700);
  struct stat info {};
  if (::lstat(dir.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() ||
      (info.st_mode & 077U) != 0) {
    throw Error(Code::precondition, "'" + dir.string() + "' is not a directory of yours alone",
                "remove it, or set XDG_RUNTIME_DIR");
  }
  return dir;
}

class OpensshTransport final : public Transport {
 public:
  OpensshTransport(Endpoint endpoint, int interrupt_fd, bool users_master)
      : endpoint_(std::move(endpoint)), interrupt_fd_(interrupt_fd), users_master_(users_master) {}

  std::unique_ptr<Channel> open(const std::string& command) override {
    std::vector<std::string> argv{"ssh", "-T"};
    if (!users_master_) {
      const std::string name =
          sha256_hex(endpoint_.user + "@" + endpoint_.host + ":" + std::to_string(endpoint_.port) +
                     " " + endpoint_.destination)
              .substr(0, 16);
      argv.insert(argv.end(), {"-o", "ControlMaster=auto", "-o", "ControlPersist=10m", "-o",
                               "ControlPath=" + (socket_directory() / name).string(), "-o",
                               "ServerAliveInterval=5", "-o", "ServerAliveCountMax=2", "-o",
                               "ConnectTimeout=" + std::to_string(endpoint_.connect_timeout > 0
                                                                      ? endpoint_.connect_timeout
                                                                      : 10)});
    }
    // A passphrase or a second factor is asked on the terminal, which needs our session.
    const bool can_ask = ::isatty(STDIN_FILENO) == 1;
    if (!can_ask) argv.insert(argv.end(), {"-o", "BatchMode=yes"});
    argv.insert(argv.end(), {"--", endpoint_.destination, for_any_shell(command)});
    return process_channel(argv, interrupt_fd_, !can_ask);
  }
  [[nodiscard]] std::string target() const override { return endpoint_.destination; }

 private:
  Endpoint endpoint_;
  int interrupt_fd_;
  bool users_master_;
};

bool users_master_lives(const Endpoint& endpoint) {
  if (endpoint.control_path.empty()) return false;
  CaptureSpec spec;
  spec.argv = {"ssh", "-O", "check", "--", endpoint.destination};
  spec.limit_ms = 5'000;
  return capture(spec).ok();
}

class AutoTransport final : public Transport {
 public:
  AutoTransport(Endpoint endpoint, int interrupt_fd)
      : endpoint_(std::move(endpoint)), interrupt_fd_(interrupt_fd) {}

  std::unique_ptr<Channel> open(const std::string& command) override {
    if (!chosen_ && users_master_lives(endpoint_)) {
      chosen_ = std::make_unique<OpensshTransport>(endpoint_, interrupt_fd_, true);
    }
    if (!chosen_) {
      auto first = libssh2_transport(endpoint_, interrupt_fd_);
      try {
        auto channel = first->open(command);
        chosen_ = std::move(first);
        return channel;
      } catch (const NotForLibssh2&) {
        chosen_ = openssh_transport(endpoint_, interrupt_fd_);
      }
    }
    return chosen_->open(command);
  }
  [[nodiscard]] std::string target() const override { return endpoint_.destination; }

 private:
  Endpoint endpoint_;
  int interrupt_fd_;
  std::unique_ptr<Transport> chosen_;
};

}  // namespace

std::unique_ptr<Transport> openssh_transport(const Endpoint& endpoint, int interrupt_fd) {
  return std::make_unique<OpensshTransport>(endpoint, interrupt_fd, false);
}

std::unique_ptr<Transport> auto_transport(const Endpoint& endpoint, int interrupt_fd) {
  return std::make_unique<AutoTransport>(endpoint, interrupt_fd);
}

}  // namespace workflow::transport
