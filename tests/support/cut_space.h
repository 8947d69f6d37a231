#pragma once

#include <string>

#include "tests/support/proxy.h"
#include "tests/support/sshd.h"
#include "tests/support/workspace.h"

namespace workflow::test {

/// A workspace whose target `ssh:pod` is a real sshd behind a proxy. The home of the logins is the
/// workspace's, so that nothing of ours lands in the home of whoever runs the tests.
class CutSpace {
 public:
  /// `settings` are lines added to workflow.env, `config` to sshd_config.
  explicit CutSpace(const std::string& settings = {}, const std::string& config = {})
      : sshd("SetEnv HOME=" + space.home().string() + "\n" + config), proxy(sshd.port()) {
    const fs::path dir = space.dir();
    space.write("workflow.env",
                "WF_TARGET=ssh:pod\nWF_TMUX_SOCKET=" + space.tmux_socket() +
                    "\nOPS_REMOTE_OUTPUTS_DIR=" + space.outputs().string() +
                    "\nOPS_REMOTE_REPO=" + (dir / ".workflow/repo").string() +
                    "\nREMOTE_ENV_PATH=" + (dir / ".workflow/project.env").string() +
                    "\nREQUIRE_GPU_TORCH=0\nTRAIN_WORKDIR_REL=.\nKILL_GRACE_SECS=2\nREPO_URL=" +
                    (dir / "repo").string() + "\n" + settings);
    const std::string port = std::to_string(proxy.port());
    space.write("ssh/known_hosts",
                "[127.0.0.1]:" + port + " " + read_file(sshd.dir() / "host_key.pub"));
    space.write("ssh/config", "Host pod\n HostName 127.0.0.1\n Port " + port + "\n User " +
                                  sshd.endpoint().user + "\n IdentityFile " +
                                  (sshd.dir() / "id").string() +
                                  "\n IdentitiesOnly yes\n UserKnownHostsFile " +
                                  (dir / "ssh/known_hosts").string() + "\n");
    space.write("ssh/bin/ssh",
                "#!/bin/sh\nexec /usr/bin/ssh -F '" + (dir / "ssh/config").string() + "' \"$@\"\n");
    fs::permissions(dir / "ssh/bin/ssh", fs::perms::owner_all);
    space.set("PATH=" + (dir / "ssh/bin").string() + ":/usr/local/bin:/usr/bin:/bin");
    space.set("XDG_RUNTIME_DIR=" + dir.string());
  }

  Workspace space;
  Sshd sshd;
  Proxy proxy;
};

}  // namespace workflow::test
