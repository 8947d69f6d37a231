#include "remote/transport/master.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd_io.h"
#include "common/sha256.h"
#include "common/spawn.h"
#include "common/text.h"
#include "remote/transport/admission.h"
#include "remote/transport/own_files.h"
#include "remote/transport/pause.h"
#include "remote/transport/proxy.h"
#include "remote/transport/refusal.h"
#include "remote/transport/ssh_command.h"
#include "remote/transport/ssh_words.h"
#include "remote/transport/tcp.h"

namespace workflow::transport {
namespace {

constexpr std::int64_t person_limit_ms = 120'000;

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
    (void)wait_for_child(pid);
    throw;
  }
  return ExitStatus::from_wait(status);
}

}  // namespace

bool master_answers(const fs::path& socket) {
  const UniqueFd fd = connect_unix(socket);
  // A master greets whoever comes (PROTOCOL.mux); one that hangs does not.
  pollfd greeting{fd.get(), POLLIN, 0};
  char byte = 0;
  return fd.valid() && ::poll(&greeting, 1, 1'000) == 1 && ::read(fd.get(), &byte, 1) == 1;
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
  std::vector<std::string> argv = ssh_argv(endpoint_, true);
  log_to(argv, log);
  add_options(argv, keepalive_options(endpoint_));
  add_options(argv, {"ControlMaster=yes", "ControlPersist=10m", "ControlPath=" + ssh_value(socket_),
                     "ClearAllForwardings=yes", can_ask ? "BatchMode=no" : "BatchMode=yes"});
  if (!endpoint_.ciphers.empty()) {
    add_options(argv, {"Ciphers=" + quick_ciphers_first(endpoint_.ciphers)});
  }
  argv.insert(argv.end(), {"-fN", "--", endpoint_.destination});
  // What is asked is asked on the terminal, which only our own session has.
  const Spawned child = spawn({.argv = argv, .new_session = !can_ask});
  if (child.failure) {
    throw Error(Code::precondition, child.failure->words());
  }
  const std::int64_t limit =
      can_ask ? system_clock().steady_ms() + person_limit_ms : deadline + 2'000;
  if (end_of(child.pid, !can_ask, endpoint_, limit, interrupt_fd_).ok()) return;
  std::string words = log.words();
  // ssh drops what a proxy says when the connection is to persist.
  if (has_proxy(endpoint_)) words += words_of_proxy(endpoint_);
  throw_for_end(endpoint_, words, can_ask);
}

}  // namespace workflow::transport
