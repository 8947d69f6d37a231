#include "remote/transport/bulk.h"

#include <unistd.h>

#include <algorithm>

#include "common/error.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "remote/transport/process_channel.h"

namespace workflow::transport {
namespace {

constexpr std::string_view quickest = "aes128-gcm@openssh.com";
constexpr std::int64_t ask_limit_ms = 5'000;

Captured ask_ssh(std::vector<std::string> argv) {
  CaptureSpec spec;
  spec.argv = std::move(argv);
  spec.limit_ms = ask_limit_ms;
  return capture(spec);
}

/// What `ssh -G` says of the ciphers; empty when it does not.
std::string ciphers_of(const std::string& destination) {
  for (const auto& line : split(ask_ssh({"ssh", "-G", "--", destination}).out, '\n')) {
    if (line.rfind("ciphers ", 0) == 0) return std::string(trim(line.substr(8)));
  }
  return {};
}

class BulkTransport final : public Transport {
 public:
  BulkTransport(Endpoint endpoint, int interrupt_fd)
      : endpoint_(std::move(endpoint)), interrupt_fd_(interrupt_fd) {}

  std::unique_ptr<Channel> open(const std::string& command) override {
    if (command.find('\'') != std::string::npos) bug("a remote command with a single quote");
    if (words_.empty()) words_ = choose();
    std::vector<std::string> argv = words_;
    const bool can_ask = ::isatty(STDIN_FILENO) == 1;
    if (!can_ask) argv.insert(argv.end(), {"-o", "BatchMode=yes"});
    argv.insert(argv.end(), {"--", endpoint_.destination, "exec /bin/sh -c '" + command + "'"});
    return process_channel(argv, interrupt_fd_, !can_ask);
  }
  [[nodiscard]] std::string target() const override { return endpoint_.destination; }

 private:
  [[nodiscard]] std::vector<std::string> choose() const {
    if (!endpoint_.control_path.empty() &&
        ask_ssh({"ssh", "-O", "check", "--", endpoint_.destination}).ok()) {
      return {"ssh", "-T"};
    }
    const std::int64_t limit = endpoint_.connect_timeout > 0 ? endpoint_.connect_timeout : 10;
    std::vector<std::string> words{"ssh", "-T",
                                   "-o",  "ControlPath=none",
                                   "-o",  "ServerAliveInterval=5",
                                   "-o",  "ServerAliveCountMax=2",
                                   "-o",  "ConnectTimeout=" + std::to_string(limit)};
    if (const std::string list = ciphers_of(endpoint_.destination); !list.empty()) {
      words.insert(words.end(), {"-o", "Ciphers=" + quick_ciphers_first(list)});
    }
    return words;
  }

  Endpoint endpoint_;
  int interrupt_fd_;
  std::vector<std::string> words_;
};

}  // namespace

std::string quick_ciphers_first(const std::string& list) {
  std::vector<std::string> names = split(list, ',');
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return name == quickest; });
  return join(names, ",");
}

std::unique_ptr<Transport> bulk_transport(const Endpoint& endpoint, int interrupt_fd) {
  return std::make_unique<BulkTransport>(endpoint, interrupt_fd);
}

}  // namespace workflow::transport
