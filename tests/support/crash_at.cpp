#include "tests/support/crash_at.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "common/error.h"
#include "common/pipe.h"
#include "common/text.h"
#include "tests/support/call_filter.h"

namespace workflow::test {
namespace {

constexpr unsigned long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                                  PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP |
                                  PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
constexpr int syscall_stop = SIGTRAP | 0x80;

std::string read_of(pid_t pid, const char* file) {
  try {
    return real_files().read("/proc/" + std::to_string(pid) + "/" + file).value_or("");
  } catch (const Error&) {
    return {};
  }
}

/// A thread dies with its process.
pid_t process_of(pid_t thread) {
  const std::string status = read_of(thread, "status");
  const auto at = status.find("Tgid:\t");
  if (at == std::string::npos) return thread;
  const auto end = status.find('\n', at);
  return static_cast<pid_t>(parse_integer(status.substr(at + 6, end - at - 6)).value_or(thread));
}

Role role_by_words(pid_t pid) {
  const auto words = split(read_of(pid, "cmdline"), '\0');
  const std::string program = fs::path(words.front()).filename().string();
  const std::string verb = words.size() > 1 ? words[1] : std::string();
  if (program == "workflow") return Role::client;
  if (program.find("agent") != std::string::npos) {
    if (verb == "call") return Role::call;
    if (verb == "supervise" || verb == "adopt") return Role::supervisor;
    if (verb == "execute") return Role::executor;
    if (verb == "step") return Role::step;
  }
  const std::string environment = '\0' + read_of(pid, "environ");
  return environment.find(std::string("\0WF_TASK_ID=", 12)) == std::string::npos ? Role::shell
                                                                                 : Role::command;
}

void resume(pid_t pid, int signal = 0) {
  ::ptrace(PTRACE_CONT, pid, nullptr, static_cast<long>(signal));
}

}  // namespace

const char* name(Role role) {
  switch (role) {
    case Role::client:
      return "client";
    case Role::shell:
      return "shell";
    case Role::call:
      return "call";
    case Role::supervisor:
      return "supervisor";
    case Role::executor:
      return "executor";
    case Role::step:
      return "step";
    case Role::command:
      return "command";
  }
  return "?";
}

std::string CrashPoint::text() const {
  return std::string(name(role)) + " killed " + (after ? "after" : "before") + " its call " +
         std::to_string(nth);
}

CrashAt::CrashAt(SpawnSpec program, CrashPoint point) : point_(point) {
  tracer_ = std::thread([this, program = std::move(program)] { run(program); });
}

CrashAt::~CrashAt() {
  {
    const std::lock_guard lock(mutex_);
    giving_up_ = true;
    for (const auto& [pid, known] : roles_) ::kill(pid, SIGKILL);
  }
  tracer_.join();
}

void CrashAt::run(const SpawnSpec& program) {
  const pid_t first = start(program);
  {
    const std::lock_guard lock(mutex_);
    program_ = first;
  }
  int status = 0;
  while (true) {
    // The children of other threads are theirs to wait for.
    const pid_t pid = ::waitpid(-1, &status, __WALL | __WNOTHREAD);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) break;
    const std::lock_guard lock(mutex_);
    if (WIFSTOPPED(status)) {
      stopped(pid, status);
    } else {
      ended(pid, status);
    }
  }
  const std::lock_guard lock(mutex_);
  quiet_ = true;
  news_.notify_all();
}

pid_t CrashAt::start(const SpawnSpec& program) {
  std::vector<char*> argv;
  for (const auto& word : program.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> env;
  for (const auto& entry : *program.env) env.push_back(const_cast<char*>(entry.c_str()));
  env.push_back(nullptr);
  const CallFilter filter;
  Pipe go = make_pipe();
  const pid_t pid = ::fork();
  if (pid == 0) {
    char byte = 0;
    const bool traced = ::read(go.read.get(), &byte, 1) == 1;
    ::dup2(program.out, 1);
    ::dup2(program.err, 2);
    if (traced && ::chdir(program.workdir.c_str()) == 0 && filter.install()) {
      ::execve(argv[0], argv.data(), env.data());
    }
    ::_exit(127);
  }
  if (pid > 0 && ::ptrace(PTRACE_SEIZE, pid, nullptr, options) == 0) {
    [[maybe_unused]] const auto n = ::write(go.write.get(), "g", 1);
  }
  return pid;
}

void CrashAt::ended(pid_t pid, int status) {
  roles_.erase(pid);
  if (pid == program_) program_end_ = ExitStatus::from_wait(status);
}

void CrashAt::stopped(pid_t pid, int status) {
  const int event = status >> 16;
  const int signal = WSTOPSIG(status);
  if (giving_up_) ::kill(pid, SIGKILL);
  if (event == PTRACE_EVENT_EXEC) roles_.erase(pid);
  (void)role(pid);
  if (event == PTRACE_EVENT_SECCOMP) return at_call(pid);
  if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
    ::ptrace(PTRACE_LISTEN, pid, nullptr, nullptr);
  } else if (signal == syscall_stop) {
    strike(pid);
  } else {
    resume(pid, event == 0 ? signal : 0);
  }
}

Role CrashAt::role(pid_t pid) {
  if (const auto known = roles_.find(pid); known != roles_.end()) return known->second;
  return roles_[pid] = pid == program_ ? Role::client : role_by_words(pid);
}

void CrashAt::at_call(pid_t pid) {
  const Role which = role(pid);
  const bool due = ++calls_[which] == point_.nth && which == point_.role && !struck_;
  if (!due) return resume(pid);
  unsigned long number = 0;
  ::ptrace(PTRACE_GETEVENTMSG, pid, nullptr, &number);
  last_call_ = CallFilter::name(number);
  if (point_.after) {
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
  } else {
    strike(pid);
  }
}

void CrashAt::strike(pid_t pid) {
  struck_ = true;
  ::kill(process_of(pid), SIGKILL);
  news_.notify_all();
}

bool CrashAt::decided(std::int64_t limit_ms) const {
  std::unique_lock lock(mutex_);
  return news_.wait_for(lock, std::chrono::milliseconds(limit_ms),
                        [this] { return struck_ || quiet_; });
}

bool CrashAt::quiet(std::int64_t limit_ms) const {
  std::unique_lock lock(mutex_);
  return news_.wait_for(lock, std::chrono::milliseconds(limit_ms), [this] { return quiet_; });
}

bool CrashAt::struck() const {
  const std::lock_guard lock(mutex_);
  return struck_;
}

std::string CrashAt::last_call() const {
  const std::lock_guard lock(mutex_);
  return last_call_;
}

std::optional<ExitStatus> CrashAt::program_end() const {
  const std::lock_guard lock(mutex_);
  return program_end_;
}

}  // namespace workflow::test
