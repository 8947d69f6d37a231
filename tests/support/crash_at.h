#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/spawn.h"

// kill -9 at a chosen instant: a program and all that it starts run under ptrace, and the process
// of a role that makes its n-th call which anybody else can see (a write, a rename, a flush, a
// send, a signal) is killed there. The agent is static, so nothing can be preloaded into it.
namespace workflow::test {

/// Which of our processes it is, by its program and first word. `shell` is what the client starts
/// to reach the agent, `command` whatever a task runs.
enum class Role { client, shell, call, supervisor, executor, step, command };
inline constexpr Role all_roles[] = {Role::client,   Role::shell, Role::call,   Role::supervisor,
                                     Role::executor, Role::step,  Role::command};
[[nodiscard]] const char* name(Role role);

/// One instant. The calls of all processes of one role are counted together, from 1.
struct CrashPoint {
  Role role = Role::client;
  int nth = 1;
  bool after = false;  ///< the call is made before the process is killed
  /// `supervisor killed before its call 7`.
  [[nodiscard]] std::string text() const;
};

/// A program that is being run with one crash point. Everything it started ends with the object.
class CrashAt {
 public:
  /// `program.out` and `program.err` are its streams; only argv, env and workdir count beside them.
  CrashAt(SpawnSpec program, CrashPoint point);
  ~CrashAt();
  CrashAt(const CrashAt&) = delete;
  CrashAt& operator=(const CrashAt&) = delete;

  /// Waits until the crash has come or nobody is left whom it could reach; false: still going.
  [[nodiscard]] bool decided(std::int64_t limit_ms) const;
  /// Waits until the program and everything it started have ended.
  [[nodiscard]] bool quiet(std::int64_t limit_ms) const;
  /// Whether the crash has come.
  [[nodiscard]] bool struck() const;
  /// The killed process's last call, by name; empty while none was killed.
  [[nodiscard]] std::string last_call() const;
  /// How the program itself has ended.
  [[nodiscard]] std::optional<ExitStatus> program_end() const;

 private:
  void run(const SpawnSpec& program);
  pid_t start(const SpawnSpec& program);
  void ended(pid_t pid, int status);
  void stopped(pid_t pid, int status);
  void at_call(pid_t pid);
  void strike(pid_t pid);
  Role role(pid_t pid);

  CrashPoint point_;
  mutable std::mutex mutex_;  ///< of all below
  mutable std::condition_variable news_;
  std::map<pid_t, Role> roles_;  ///< of every thread that is traced
  std::map<Role, int> calls_;
  std::string last_call_;
  bool struck_ = false;
  bool giving_up_ = false;
  bool quiet_ = false;
  pid_t program_ = -1;
  std::optional<ExitStatus> program_end_;
  std::thread tracer_;  ///< ptrace belongs to one thread
};

}  // namespace workflow::test
