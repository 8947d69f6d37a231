#include "bench/ssh_target.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <cerrno>
#include <stdexcept>

#include "common/text.h"

namespace workflow::bench {
namespace {

/// From the start of a program to its end as waitpid(2) tells it.
double seconds_of(SpawnSpec spec, const fs::path& complaints) {
  const UniqueFd err(::open(complaints.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  spec.err = err.get();
  spec.new_session = true;
  const auto begin = std::chrono::steady_clock::now();
  const Spawned child = spawn(spec);
  if (child.failure) throw std::runtime_error("cannot start " + spec.argv.front());
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  const auto took = std::chrono::steady_clock::now() - begin;
  if (!ExitStatus::from_wait(status).ok()) {
    throw std::runtime_error(join(spec.argv, " ") + ": " + read_file(complaints));
  }
  return std::chrono::duration<double>(took).count();
}

}  // namespace

SshTarget::SshTarget()
    : space_("auto", "TRAIN_COMMAND_TEMPLATE='exec sleep 3000'\n"),
      relay_(space_.sshd().port(), one_way) {
  make_names();
  open_masters();
  start_work();
}

void SshTarget::make_names() {
  const test::Sshd& sshd = space_.sshd();
  const std::string port = std::to_string(relay_.port());
  const fs::path known = sshd.dir() / "known_hosts";
  real_files().append(known, "[127.0.0.1]:" + port + " " + read_file(sshd.dir() / "host_key.pub"));
  real_files().append(sshd.dir() / "ssh_config",
                      "Host slow\n HostName 127.0.0.1\n Port " + port + "\n User " +
                          test::Sshd::user() + "\n IdentityFile " + (sshd.dir() / "id").string() +
                          "\n IdentitiesOnly yes\n UserKnownHostsFile " + known.string() + "\n");
}

void SshTarget::open_masters() {
  for (const Where where : {Where::near, Where::far}) {
    auto argv = settings();
    argv.insert(argv.begin(), "/usr/bin/ssh");
    argv.insert(argv.end(), {"-o", "ControlMaster=yes", "-o", "ControlPath=" + master(where), "-o",
                             "ControlPersist=yes", "-fN", name(where)});
    (void)program(argv);
  }
}

void SshTarget::start_work() {
  space().make_repo({{"README", ""}});
  space().check_out();
  space().write("sweep.csv", "run_id\nfirst\n");
  (void)space().data({"sweep-start"});
  (void)space().data({"task-run", "--id", "ended", "--wait", "--", "true"});
  // Both names of the target have the agent, and our own master connections are up.
  for (const Where where : {Where::near, Where::far}) {
    (void)ours(where, "openssh", {"fsm-status"});
  }
}

std::vector<std::string> SshTarget::settings() const {
  return {"-F", (space_.sshd().dir() / "ssh_config").string()};
}

std::string SshTarget::master(Where where) const {
  return (space_.sshd().dir() / ("master-" + name(where))).string();
}

double SshTarget::ours(Where where, const std::string& way, const std::vector<std::string>& words) {
  space_.space.set("WF_TARGET=ssh:" + name(where));
  space_.space.set("WF_TRANSPORT=" + way);
  std::vector<std::string> argv{test::workflow_program()};
  argv.insert(argv.end(), words.begin(), words.end());
  return program(argv);
}

double SshTarget::ssh(Where where) {
  auto argv = settings();
  argv.insert(argv.begin(), "/usr/bin/ssh");
  argv.insert(argv.end(), {name(where), "true"});
  return program(argv);
}

double SshTarget::shared_ssh(Where where) {
  auto argv = settings();
  argv.insert(argv.begin(), "/usr/bin/ssh");
  argv.insert(argv.end(), {"-o", "ControlPath=" + master(where), name(where), "true"});
  return program(argv);
}

double SshTarget::program(std::vector<std::string> argv, const fs::path& input) {
  const UniqueFd in(input.empty() ? -1 : ::open(input.c_str(), O_RDONLY | O_CLOEXEC));
  SpawnSpec spec;
  spec.argv = std::move(argv);
  spec.env = space().environment();
  spec.workdir = space().dir();
  spec.in = in.get();
  return seconds_of(std::move(spec), space().dir() / "complaints");
}

}  // namespace workflow::bench
