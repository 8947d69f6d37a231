#include "remote/transport/master.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/clock.h"
#include "common/sha256.h"
#include "common/spawn.h"
#include "common/text.h"
#include "remote/transport/admission.h"
#include "remote/transport/known_lines.h"
#include "remote/transport/own_files.h"
#include "remote/transport/proxy.h"
#include "remote/transport/refusal.h"
#include "remote/transport/ssh_words.h"
#include "remote/transport/tcp.h"

namespace workflow::transport {
namespace {

constexpr std::int64_t person_limit_ms = 120'000;

void wait_for(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

/// The exit status of a child within the deadline; after that, or on an interrupt, it is ended.
ExitStatus end_of(pid_t pid, bool own_group, const Endpoint& endpoint, std::int64_t deadline,
                  int interrupt_fd) {
  int status = 0;
  try {
    while (::waitpid(pid, &status, WNOHANG) != pid) {
      if (system_clock().steady_ms() >= deadline) throw does_not_answer(endpoint);
      pause(3, interrupt_fd);
    }
  } catch (const Error&) {
    ::kill(own_group ? -pid : pid, SIGKILL);
    wait_for(pid);
    throw;
  }
  return ExitStatus::from_wait(status);
}

/// What the settings of the user's ssh do not know of a rented pod. Its key is taken at the login,
/// when none is known, and only then.
std::vector<std::string> pod_options(const Endpoint& endpoint, bool login) {
  if (endpoint.pod_id.empty()) return {};
  const fs::path& file = endpoint.known_hosts.front();
  real_files().make_dirs(file.parent_path());
  if (presence(file) == Presence::absent) real_files().append(file, "", {.mode = 0600});
  const bool takes_it = login && known_lines(endpoint).empty();
  std::vector<std::string> options;
  for (const auto& key : endpoint.identity_files) {
    options.insert(options.end(), {"-i", key.string()});
  }
  for (const std::string& option :
       {"HostKeyAlias=" + endpoint.host_key_alias, "UserKnownHostsFile=" + ssh_value(file),
        std::string("GlobalKnownHostsFile=none"),
        std::string("StrictHostKeyChecking=") + (takes_it ? "accept-new" : "yes"),
        std::string("HashKnownHosts=no"), std::string("UpdateHostKeys=no"),
        std::string("CheckHostIP=no")}) {
    options.insert(options.end(), {"-o", option});
  }
  return options;
}

}  // namespace

SshLog::SshLog() {
  std::string path = (runtime_directory() / "log-XXXXXX").string();
  const UniqueFd fd(::mkstemp(path.data()));
  if (!fd.valid()) throw_errno("'" + path + "'");
  path_ = path;
}

SshLog::~SshLog() { ::unlink(path_.c_str()); }

bool master_answers(const fs::path& socket) {
  const UniqueFd fd = connect_unix(socket);
  // A master greets whoever comes (PROTOCOL.mux); one that hangs does not.
  pollfd greeting{fd.get(), POLLIN, 0};
  char byte = 0;
  return fd.valid() && ::poll(&greeting, 1, 1'000) == 1 && ::read(fd.get(), &byte, 1) == 1;
}

std::string ssh_value(const fs::path& path) {
  std::string out = "\"";
  for (const char c : path.string()) out += c == '%' ? std::string("%%") : std::string(1, c);
  return out + "\"";
}

std::string quick_ciphers_first(const std::string& list) {
  std::vector<std::string> names = split(list, ',');
  std::stable_partition(names.begin(), names.end(),
                        [](const auto& name) { return name == "aes128-gcm@openssh.com"; });
  return join(names, ",");
}

std::vector<std::string> ssh_argv(const Endpoint& endpoint, const fs::path& log, bool login) {
  std::vector<std::string> argv{
      "ssh", "-T", "-E", log.string(), "-o", "LogLevel=INFO", "-o", "RemoteCommand=none"};
  const auto pod = pod_options(endpoint, login);
  argv.insert(argv.end(), pod.begin(), pod.end());
  return argv;
}

Master::Master(const Endpoint& endpoint, int interrupt_fd)
    : endpoint_(endpoint), interrupt_fd_(interrupt_fd) {
  const std::string name =
      endpoint.user + "@" + endpoint.where() + " " + endpoint.destination + " " + endpoint.pod_id;
  socket_ = runtime_directory() / sha256_hex(name).substr(0, 16);
}

void Master::open() const {
  if (master_answers(socket_)) return;
  // Commands that start at once share one login: a second master could not take the socket, and
  // would stay behind without one.
  const auto lock = first_free({socket_.string() + ".lock"},
                               system_clock().steady_ms() + endpoint_.limit_ms(), interrupt_fd_);
  if (!lock) {
    throw Error(Code::busy, "another command of yours is logging in to " + endpoint_.where(),
                "it may be waiting for a passphrase on its terminal");
  }
  if (master_answers(socket_)) return;
  admit(endpoint_, interrupt_fd_, [this](std::int64_t deadline) { log_in(deadline); });
}

void Master::log_in(std::int64_t deadline) const {
  ::unlink(socket_.c_str());  // of one that is gone
  const SshLog log;
  const bool can_ask = ::isatty(STDIN_FILENO) == 1;
  std::vector<std::string> argv = ssh_argv(endpoint_, log.path(), true);
  const std::int64_t seconds = (endpoint_.limit_ms() + 999) / 1000;
  for (const std::string& option :
       {std::string("ControlMaster=yes"), std::string("ControlPersist=10m"),
        "ControlPath=" + ssh_value(socket_), std::string("ServerAliveInterval=5"),
        std::string("ServerAliveCountMax=2"), std::string("ClearAllForwardings=yes"),
        "ConnectTimeout=" + std::to_string(seconds),
        std::string(can_ask ? "BatchMode=no" : "BatchMode=yes")}) {
    argv.insert(argv.end(), {"-o", option});
  }
  if (!endpoint_.ciphers.empty()) {
    argv.insert(argv.end(), {"-o", "Ciphers=" + quick_ciphers_first(endpoint_.ciphers)});
  }
  argv.insert(argv.end(), {"-fN", "--", endpoint_.destination});
  // What is asked is asked on the terminal, which only our own session has.
  const Spawned child = spawn({.argv = argv, .new_session = !can_ask});
  if (child.failure) {
    throw Error(Code::precondition,
                "cannot " + child.failure->step + ": " + errno_text(child.failure->error));
  }
  const std::int64_t limit =
      can_ask ? system_clock().steady_ms() + person_limit_ms : deadline + 2'000;
  if (end_of(child.pid, !can_ask, endpoint_, limit, interrupt_fd_).ok()) return;
  std::string words = log.words();
  // ssh drops what a proxy says when the connection is to persist.
  if (has_proxy(endpoint_)) words += words_of_proxy(endpoint_);
  throw_for_words(endpoint_, words, can_ask);
  throw cannot_be_reached(endpoint_, words.empty() ? "ssh does not say why" : in_one_line(words));
}

}  // namespace workflow::transport
