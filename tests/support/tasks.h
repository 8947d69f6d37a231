#pragma once

#include <signal.h>
#include <sys/wait.h>

#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/text.h"
#include "tasks/process.h"
#include "tests/support/eventually.h"
#include "tests/support/workspace.h"

// What tests of tasks look at: records on the disk, read without any contact that could mend them,
// and the processes behind them.
namespace workflow::test {

/// The state in status.json as it lies on the disk; empty while there is none.
inline std::string recorded_state(const Workspace& space, const std::string& id) {
  const auto bytes = real_files().read(space.task_dir(id) / "status.json");
  return bytes ? text_at(parse_json(*bytes, id), "state") : std::string();
}

inline bool reaches(const Workspace& space, const std::string& id, const std::string& state) {
  return eventually_is([&] { return recorded_state(space, id); }, state);
}

inline pid_t leader_of(const Workspace& space, const std::string& id) {
  return static_cast<pid_t>(number_at(space.task(id), "pid"));
}

inline pid_t supervisor_of(const Workspace& space, const std::string& id) {
  return static_cast<pid_t>(number_at(member(space.task(id), "supervisor"), "pid"));
}

/// kill -9, and waits until the process is proven gone. The number is never 0 or negative.
inline bool kill_hard(pid_t pid) {
  return pid > 1 && ::kill(pid, SIGKILL) == 0 && eventually([&] { return !process_lives(pid); });
}

inline bool appears(const fs::path& file) {
  return eventually([&] { return fs::exists(file); });
}

/// A process id that a command under test wrote to a file with its newline; 0 when it never did.
inline pid_t pid_in(const fs::path& file) {
  std::string text;
  (void)eventually([&] {
    text = real_files().read(file).value_or("");
    return !text.empty() && text.back() == '\n';
  });
  return static_cast<pid_t>(parse_integer(trim(text)).value_or(0));
}

/// How a program that Workspace::start began has ended; nothing when it does not end.
inline std::optional<ExitStatus> end_of(pid_t pid) {
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; })) return std::nullopt;
  return ExitStatus::from_wait(status);
}

/// Processes of this workspace whose command line has every one of the words in it.
inline std::vector<pid_t> processes_with(const Workspace& space,
                                         const std::vector<std::string>& words) {
  std::vector<pid_t> found;
  for (const auto& process : tasks::carrying("HOME=" + space.home().string())) {
    std::string bytes;
    try {
      bytes = real_files().read("/proc/" + std::to_string(process.pid) + "/cmdline").value_or("");
    } catch (const Error&) {
      continue;  // it ended while it was read
    }
    bool all = true;
    for (const auto& word : words) {
      // A cmdline's words end in NUL: " adopt " would also be part of a text.
      all = all && ('\0' + bytes).find('\0' + word + '\0') != std::string::npos;
    }
    if (all) found.push_back(process.pid);
  }
  return found;
}

/// The log of a task, byte for byte as it lies on the disk.
inline std::string log_of(const Workspace& space, const std::string& id) {
  return real_files().read(space.task_dir(id) / "stdout.log").value_or("");
}

}  // namespace workflow::test
