// What a loopback pod's sshd is given: keys, a root of its own, its settings.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "common/error.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "remote/pods/loopback_pod.h"

namespace workflow::pods {
namespace {

/// A socket's path has at most 107 bytes, and tmux's is `ROOT/tmp/tmux-UID/NAME`.
constexpr std::size_t longest_root = 60;

/// sshd begins in the home of the user's account; a session of the pod belongs in the pod's.
constexpr const char* session_script =
    "cd \"$HOME\" || exit 1\n"
    "if [ -n \"${SSH_ORIGINAL_COMMAND-}\" ]; then\n"
    "  command=$SSH_ORIGINAL_COMMAND\n"
    "  unset SSH_ORIGINAL_COMMAND\n"
    "  exec \"${SHELL:-/bin/sh}\" -c \"$command\"\n"
    "fi\n"
    "exec \"${SHELL:-/bin/sh}\" -l\n";

/// Without a character that sshd_config would need quoted.
bool fits(const fs::path& root) {
  const std::string text = root.string();
  return text.size() <= longest_root && std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '/' || c == '.' || c == '_' || c == '-';
         });
}

/// An account without a password that is marked as locked can log in only by way of PAM.
bool root_is_locked() {
  if (::geteuid() != 0) return false;
  const auto shadow = real_files().read("/etc/shadow");
  return shadow && (shadow->starts_with("root:!") || shadow->find("\nroot:!") != std::string::npos);
}

fs::path sftp_server() {
  for (const char* path : {"/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server",
                           "/usr/lib/ssh/sftp-server", "/usr/libexec/sftp-server"}) {
    if (may_be_there(path)) return path;
  }
  return "internal-sftp";
}

void make_dir(const fs::path& path) {
  fs::create_directories(path);
  ::chmod(path.c_str(), 0700);
}

}  // namespace

fs::path loopback_root(const std::string& id) {
  const fs::path below_entry = loopback_entry(id) / "root";
  if (fits(below_entry)) return below_entry;
  const char* tmp = std::getenv("TMPDIR");
  const fs::path below = fs::path(tmp != nullptr && *tmp == '/' ? tmp : "/tmp");
  const std::string name = "workflow-loopback-" + id;
  return fits(below / name) ? below / name : fs::path("/tmp") / name;
}

void make_loopback_files(LoopbackPod& pod, const std::string& public_key) {
  pod.root = loopback_root(pod.id);
  for (const char* name : {"", "home", "tmp", "run", "etc"}) make_dir(pod.root / name);
  real_files().write(pod.root / "etc" / "authorized_keys", public_key + "\n", {.mode = 0600});
  real_files().write(pod.root / "etc" / "session", session_script);
  const fs::path key = pod.root / "etc" / "host_key";
  const Captured made = capture({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                                          pod.name, "-f", key.string()}});
  if (made.ok()) return;
  throw Error(Code::precondition,
              "cannot make a host key: " + std::string(trim(made.err + made.out)),
              "a loopback pod needs ssh-keygen and sshd: apt-get install openssh-server");
}

fs::path write_sshd_config(const LoopbackPod& pod) {
  const fs::path etc = pod.root / "etc";
  const std::string home = (pod.root / "home").string();
  std::string variables = pod.mark() + " HOME=" + home;
  for (const char* name : {"TMPDIR", "TMUX_TMPDIR"}) {
    variables += std::string(" ") + name + "=" + (pod.root / "tmp").string();
  }
  variables += " XDG_RUNTIME_DIR=" + (pod.root / "run").string() + " XDG_CACHE_HOME=" + home +
               "/.cache XDG_CONFIG_HOME=" + home + "/.config XDG_DATA_HOME=" + home +
               "/.local/share XDG_STATE_HOME=" + home + "/.local/state";
  real_files().write(etc / "sshd_config",
                     "Port " + std::to_string(pod.port) + "\nListenAddress 127.0.0.1\nHostKey " +
                         (etc / "host_key").string() + "\nAuthorizedKeysFile " +
                         (etc / "authorized_keys").string() + "\nUsePAM " +
                         (root_is_locked() ? "yes" : "no") +
                         "\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
                         "KbdInteractiveAuthentication no\nStrictModes no\nPidFile none\n"
                         "PrintMotd no\nPrintLastLog no\nLogLevel VERBOSE\n"
                         "AcceptEnv LANG LC_*\nSubsystem sftp " +
                         sftp_server().string() + "\nForceCommand exec /bin/sh " +
                         (etc / "session").string() + "\nSetEnv " + variables + "\n");
  return etc / "sshd_config";
}

}  // namespace workflow::pods
