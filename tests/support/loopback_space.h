#pragma once

#include <stdlib.h>

#include <memory>
#include <string>
#include <vector>

#include "common/subprocess.h"
#include "common/text.h"
#include "remote/pods/factories.h"
#include "remote/pods/loopback_pod.h"
#include "tests/support/eventually.h"
#include "tests/support/scratch.h"
#include "tests/support/sshd.h"

namespace workflow::test {

/// A user of this process's own who rents loopback pods: a state directory and a key. Ends what he
/// has rented.
class LoopbackSpace {
 public:
  explicit LoopbackSpace(const std::string& state = "state") {
    ::setenv("XDG_STATE_HOME", (scratch_ / state).c_str(), 1);
    ::setenv("WORKFLOW_PROGRAM", WORKFLOW_BIN_DIR "/workflow", 1);
    make_key(scratch_ / "id");
  }
  ~LoopbackSpace() {
    for (const auto& pod : provider->list()) provider->terminate(pod.id);
    (void)eventually([&] { return provider->list().empty(); });
  }
  LoopbackSpace(const LoopbackSpace&) = delete;
  LoopbackSpace& operator=(const LoopbackSpace&) = delete;

  [[nodiscard]] std::string rent(const std::string& name, const std::string& ends_at = {}) const {
    return provider->create(
        {}, {.name = name, .public_key = public_key(), .query = {}, .ends_at = ends_at});
  }
  [[nodiscard]] std::string public_key() const {
    return std::string(trim(read_file(scratch_ / "id.pub")));
  }
  [[nodiscard]] pods::Pod pod(const std::string& id) const {
    return provider->describe(id).value();
  }

  /// What a command printed in the pod, by ssh with the key.
  [[nodiscard]] Captured ssh(const std::string& id, const std::string& command) const {
    const auto address = pod(id).ssh.value();
    return capture({.argv = {"ssh", "-F", "none", "-p", std::to_string(address.port), "-i",
                             (scratch_ / "id").string(), "-o", "IdentitiesOnly=yes", "-o",
                             "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                             "LogLevel=ERROR", address.user + "@127.0.0.1", command}});
  }
  /// Nothing of a pod is left: no process, no file, and its port is free.
  [[nodiscard]] bool gone(const pods::LoopbackPod& pod) const {
    const std::string port = std::to_string(pod.port);
    return !provider->describe(pod.id) && pods::inhabitants(pod).empty() &&
           !may_be_there(pod.root) && !may_be_there(pod.entry()) &&
           capture({.argv = {"ssh-keyscan", "-T", "2", "-p", port, "127.0.0.1"}}).out.empty();
  }

  [[nodiscard]] const fs::path& dir() const { return scratch_.path(); }

 private:
  Scratch scratch_;

 public:
  std::unique_ptr<pods::Provider> provider = pods::loopback_provider({});
};

}  // namespace workflow::test
