#include "common/spawn.h"

#include <fcntl.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/pipe.h"

extern char** environ;

namespace workflow {
namespace {

constexpr std::array<const char*, 5> steps{"fork", "redirect", "change directory to", "find",
                                           "execute"};
enum Step : int { fork_step, redirect_step, chdir_step, find_step, exec_step };
struct Report {
  int step;
  int error;
  pid_t pid;
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (const auto& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

/// The path execve needs, found before the fork so that the child allocates nothing.
std::string find_program(const std::string& name, const std::vector<std::string>* env) {
  if (name.find('/') != std::string::npos) return name;
  const char* own = std::getenv("PATH");
  std::string search = own != nullptr ? own : "/usr/local/bin:/usr/bin:/bin";
  if (env != nullptr) {
    for (const auto& entry : *env) {
      if (entry.rfind("PATH=", 0) == 0) search = entry.substr(5);
    }
  }
  for (std::size_t start = 0; start <= search.size();) {
    const std::size_t end = std::min(search.find(':', start), search.size());
    std::string candidate = search.substr(start, end - start);
    candidate = (candidate.empty() ? "." : candidate) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    start = end + 1;
  }
  return {};
}

void die(int report, Step step, int error) {
  const Report message{step, error, 0};
  [[maybe_unused]] const auto n = ::write(report, &message, sizeof message);
  ::_exit(127);
}

/// Everything but 0, 1, 2 and `keep` ends with exec; what others handed us is not always so marked.
void mark_others(const std::vector<int>& keep) {
#ifdef CLOSE_RANGE_CLOEXEC
  const bool marked = ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
#else
  const bool marked = false;
#endif
  if (!marked) {
    const long limit = std::min(::sysconf(_SC_OPEN_MAX), 65536L);
    for (int fd = 3; fd < limit; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  for (const int fd : keep) ::fcntl(fd, F_SETFD, 0);
}

void redirect(const SpawnSpec& spec, int report) {
  // The targets may be 0, 1 or 2 themselves: move all three up before they are moved down.
  std::array<int, 3> from{spec.in, spec.out, spec.err};
  for (int i = 0; i < 3; ++i) {
    int fd = from[static_cast<std::size_t>(i)];
    if (fd < 0) fd = ::open("/dev/null", i == 0 ? O_RDONLY : O_WRONLY);
    fd = ::fcntl(fd, F_DUPFD, 10);
    if (fd < 0) die(report, redirect_step, errno);
    from[static_cast<std::size_t>(i)] = fd;
  }
  for (int i = 0; i < 3; ++i) {
    if (::dup2(from[static_cast<std::size_t>(i)], i) < 0) die(report, redirect_step, errno);
  }
}

[[noreturn]] void child(const SpawnSpec& spec, const std::string& program, char* const* argv,
                        char* const* env, int report, int go) {
  sigset_t none;
  sigemptyset(&none);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (spec.new_session || spec.detach) ::setsid();
#ifdef __linux__
  if (spec.ends_with_us) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
  if (spec.detach) {
    const pid_t inner = ::fork();
    if (inner < 0) die(report, fork_step, errno);
    if (inner > 0) ::_exit(0);
  }
  const Report hello{-1, 0, ::getpid()};
  [[maybe_unused]] const auto n = ::write(report, &hello, sizeof hello);
  if (char byte = 0; go >= 0 && ::read(go, &byte, 1) != 1) ::_exit(127);
  redirect(spec, report);
  mark_others(spec.keep);
  if (!spec.workdir.empty() && ::chdir(spec.workdir.c_str()) != 0) die(report, chdir_step, errno);
  ::execve(program.c_str(), argv, env);
  die(report, exec_step, errno);
  ::_exit(127);
}

}  // namespace

Spawned spawn(const SpawnSpec& spec) {
  if (spec.argv.empty()) bug("spawn without a program");
  Spawned result;
  const std::string program =
      find_program(spec.argv.front(), spec.env.has_value() ? &*spec.env : nullptr);
  if (program.empty()) {
    result.failure =
        SpawnFailure{std::string(steps[find_step]) + " '" + spec.argv.front() + "'", ENOENT};
    return result;
  }
  const auto argv = pointers(spec.argv);
  const auto env = spec.env ? pointers(*spec.env) : std::vector<char*>{};
  Pipe reports = make_pipe();
  Pipe go;
  if (spec.before_exec) go = make_pipe();

  const pid_t pid = ::fork();
  if (pid < 0) {
    result.failure = SpawnFailure{steps[fork_step], errno};
    return result;
  }
  if (pid == 0) {
    go.write.reset();
    child(spec, program, argv.data(), spec.env ? env.data() : environ, reports.write.get(),
          go.read.get());
  }
  reports.write.reset();
  go.read.reset();
  result.pid = pid;
  Report report{};
  bool heard = false;
  while (true) {
    const ssize_t n = ::read(reports.read.get(), &report, sizeof report);
    if (n < 0 && errno == EINTR) continue;
    if (n != static_cast<ssize_t>(sizeof report)) break;
    heard = true;
    if (report.step < 0) {
      result.pid = report.pid;
      try {
        if (spec.before_exec) spec.before_exec(report.pid);
      } catch (...) {
        go.write.reset();  // it ends now, and must not stay a zombie of ours
        (void)wait_for_child(pid);
        throw;
      }
      [[maybe_unused]] const auto said = go.write.valid() ? ::write(go.write.get(), "g", 1) : 0;
    } else {
      std::string step = steps[static_cast<std::size_t>(report.step)];
      if (report.step == chdir_step) step += " '" + spec.workdir.string() + "'";
      if (report.step == exec_step) step += " '" + spec.argv.front() + "'";
      result.failure = SpawnFailure{std::move(step), report.error};
    }
  }
  // Somebody killed it before it could say a word.
  if (!heard) result.failure = SpawnFailure{"start '" + spec.argv.front() + "'", ECHILD};
  if (spec.detach || result.failure) (void)wait_for_child(pid);
  return result;
}

std::vector<std::string> environment_with(const std::vector<std::string>& set) {
  std::vector<std::string> out;
  const auto key = [](const std::string& entry) { return entry.substr(0, entry.find('=') + 1); };
  const auto add_unless_set = [&](const std::string& text, auto first_of_set) {
    const bool replaced = std::any_of(first_of_set, set.end(),
                                      [&](const auto& other) { return key(other) == key(text); });
    if (!replaced) out.push_back(text);
  };
  for (char** entry = environ; *entry != nullptr; ++entry) add_unless_set(*entry, set.begin());
  for (auto it = set.begin(); it != set.end(); ++it) add_unless_set(*it, it + 1);
  return out;
}

std::vector<std::string> environment_without(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('='));
    if (std::find(names.begin(), names.end(), name) == names.end()) out.push_back(text);
  }
  return out;
}

ExitStatus ExitStatus::from_wait(int status) {
  ExitStatus out;
  if (WIFEXITED(status)) out.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) out.signal = WTERMSIG(status);
  return out;
}

std::string signal_name(int signal) {
  struct Named {
    int number;
    const char* name;
  };
  static constexpr Named names[] = {
      {SIGHUP, "HUP"},   {SIGINT, "INT"},   {SIGQUIT, "QUIT"}, {SIGILL, "ILL"},   {SIGTRAP, "TRAP"},
      {SIGABRT, "ABRT"}, {SIGBUS, "BUS"},   {SIGFPE, "FPE"},   {SIGKILL, "KILL"}, {SIGUSR1, "USR1"},
      {SIGSEGV, "SEGV"}, {SIGUSR2, "USR2"}, {SIGPIPE, "PIPE"}, {SIGALRM, "ALRM"}, {SIGTERM, "TERM"},
      {SIGXCPU, "XCPU"}, {SIGXFSZ, "XFSZ"}, {SIGSYS, "SYS"}};
  for (const auto& row : names) {
    if (row.number == signal) return row.name;
  }
  return std::to_string(signal);
}

std::string SpawnFailure::words() const { return "cannot " + step + ": " + errno_text(error); }

}  // namespace workflow
