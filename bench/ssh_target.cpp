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

std::vector<std::string> with(std::vector<std::string> argv, const std::string& command) {
  argv.push_back(command);
  return argv;
}

}  // namespace

SshTarget::SshTarget(Work work)
    : space_("auto", "TRAIN_COMMAND_TEMPLATE='exec sleep 3000'\n"),
      quick_(space_.sshd().port(), std::chrono::milliseconds(0)),
      slow_(space_.sshd().port(), one_way) {
  make_name(Where::relayed, quick_.port());
  make_name(Where::far, slow_.port());
  if (work == Work::none) return;
  space().write("line", "a line\n");
  open_masters();
  start_work();
}

std::string SshTarget::name(Where where) {
  switch (where) {
    case Where::near:
      return "pod";
    case Where::relayed:
      return "quick";
    case Where::far:
      return "slow";
  }
  return {};
}

void SshTarget::make_name(Where where, int port) {
  const test::Sshd& sshd = space_.sshd();
  const std::string number = std::to_string(port);
  const fs::path known = sshd.dir() / "known_hosts";
  real_files().append(known,
                      "[127.0.0.1]:" + number + " " + read_file(sshd.dir() / "host_key.pub"));
  real_files().append(
      settings(), "Host " + name(where) + "\n HostName 127.0.0.1\n Port " + number + "\n User " +
                      test::Sshd::user() + "\n IdentityFile " + (sshd.dir() / "id").string() +
                      "\n IdentitiesOnly yes\n UserKnownHostsFile " + known.string() + "\n");
}

void SshTarget::open_masters() {
  for (const Where where : {Where::near, Where::relayed, Where::far}) {
    auto argv = shared(where);
    argv.insert(argv.end() - 1, {"-o", "ControlMaster=yes", "-o", "ControlPersist=yes", "-fN"});
    (void)program(argv);
  }
}

void SshTarget::start_work() {
  space().make_repo({{"README", ""}});
  space().check_out();
  space().write("sweep.csv", "run_id\nfirst\n");
  (void)space().data({"sweep-start"});
  (void)space().data({"task-run", "--id", "ended", "--wait", "--", "true"});
  // Our own master connections are up from here on.
  for (const Where where : {Where::near, Where::relayed, Where::far}) {
    (void)ours(where, "openssh", {"fsm-status"});
  }
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

std::vector<std::string> SshTarget::shared(Where where) const {
  auto argv = login(where);
  argv.insert(argv.end() - 1, {"-o", "ControlPath=" + master(where)});
  return argv;
}

double SshTarget::ssh(Where where) { return program(with(login(where), "true")); }
double SshTarget::shared_ssh(Where where) { return program(with(shared(where), "true")); }
double SshTarget::ssh_cat(Where where) {
  return program(with(login(where), "cat"), space().dir() / "line");
}
double SshTarget::shared_cat(Where where) {
  return program(with(shared(where), "cat"), space().dir() / "line");
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
