#pragma once

#include <signal.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <string>

#include "common/sha256.h"
#include "common/text.h"
#include "remote/link/link.h"
#include "tests/support/flaky_transport.h"
#include "tests/support/scratch.h"
#include "tests/support/workspace.h"

namespace workflow::test {

inline std::string this_machine() {
  utsname name{};
  ::uname(&name);
  return name.machine;
}

/// A far end on this machine: a home of its own, and an agent that no other test has, so that its
/// hash is in its file's name.
class Far {
 public:
  explicit Far(std::string agent) : bytes_(std::move(agent)), sha_(sha256_hex(bytes_)) {
    fs::create_directories(home());
    ::signal(SIGPIPE, SIG_IGN);  // as every program of ours that writes to a far end
    if (const char* old = std::getenv("HOME")) old_home_ = old;
    ::setenv("HOME", home().c_str(), 1);
  }
  ~Far() {
    ::setenv("HOME", old_home_.c_str(), 1);
    std::error_code ignored;
    fs::remove(in_var_tmp(), ignored);
  }
  Far(const Far&) = delete;
  Far& operator=(const Far&) = delete;

  [[nodiscard]] link::Link link(int interrupt_fd = -1) const {
    return link(transport::local_transport(interrupt_fd));
  }
  [[nodiscard]] link::Link link(std::unique_ptr<transport::Transport> transport) const {
    return {std::make_unique<FlakyTransport>(std::move(transport), told), {image()}};
  }
  [[nodiscard]] link::AgentImage image() const { return {bytes_, sha_, machine_}; }
  [[nodiscard]] protocol::Request status() const {
    return {"fsm-status",
            {{"settings", {{"OPS_REMOTE_OUTPUTS_DIR", (scratch_ / "outputs").string()}}}},
            "token",
            {{"padding", std::string(200'000, 'x')}}};
  }
  [[nodiscard]] fs::path dir() const { return scratch_.path(); }
  [[nodiscard]] fs::path home() const { return scratch_ / "home"; }
  [[nodiscard]] fs::path cache() const { return home() / ".cache" / "workflow"; }
  [[nodiscard]] fs::path agent() const { return cache() / ("agent-" + sha_); }
  [[nodiscard]] fs::path in_var_tmp() const {
    return fs::path("/var/tmp/workflow-" + std::to_string(::getuid())) / ("agent-" + sha_);
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

  std::shared_ptr<FlakyTransport::Told> told = std::make_shared<FlakyTransport::Told>();

 private:
  Scratch scratch_;
  std::string bytes_;
  std::string sha_;
  std::string machine_ = this_machine();
  std::string old_home_;
};

/// The real agent; bytes behind the end of an executable change its hash and nothing else.
inline std::string real_agent() { return read_file(agent_program()) + random_hex(16); }

/// An agent that is a few lines of shell; $2 is the nonce.
inline std::string shell_agent(const std::string& lines) {
  return "#!/bin/sh\n# " + random_hex(16) + "\n" + lines + "\n";
}

/// The error that a call ends with; the test fails when there is none.
inline Error failure(link::Link& link, const protocol::Request& request,
                     const link::CallOptions& options = {}) {
  try {
    (void)link.call(request, options);
  } catch (const Error& error) {
    return error;
  }
  FAIL("the call went well");
  throw std::logic_error("not reached");
}

}  // namespace workflow::test
