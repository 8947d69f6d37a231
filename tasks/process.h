#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/json_fwd.h"
#include "common/unique_fd.h"

// What /proc can prove about a process. Linux only, as the whole agent is.
namespace workflow::tasks {

/// One process for ever: a pid is used again, a pid with its start time is not (within one boot).
struct ProcessRef {
  pid_t pid = 0;
  std::uint64_t start = 0;  ///< field 22 of /proc/PID/stat, clock ticks since boot
};

/// Where a process id means something.
struct Place {
  std::string host;
  std::string boot_id;
  std::string pid_namespace;
};

/// This process's own place.
[[nodiscard]] const Place& here();

enum class Liveness { alive, gone, unknown };

/// `alive`, `gone` or `unknown`.
[[nodiscard]] const char* name(Liveness liveness);

/// The start time of a process; nothing when there is none or it is only a zombie.
[[nodiscard]] std::optional<std::uint64_t> start_time(pid_t pid);

/// A reference to a process of this place that is there now.
[[nodiscard]] ProcessRef reference(pid_t pid);

/// Whether a recorded process still lives. `gone` is proof: the same kernel and pid namespace do
/// not know it any more, or the same host has booted since. Anything else is `unknown`.
[[nodiscard]] Liveness judge(const ProcessRef& process, const Place& recorded);

/// A pidfd that becomes readable when the process ends; invalid when it is gone already.
[[nodiscard]] UniqueFd watch(const ProcessRef& process);

/// Sends a signal to exactly this process; false when it is gone.
bool send_signal(const ProcessRef& process, int signal);

/// Whether a process keeps a signal back and reads it when it looks; one that does not may be
/// killed by it.
[[nodiscard]] bool blocks(pid_t pid, int signal);

/// Every process below `root` in the tree, zombies left out, and whole branches for whose first
/// process `apart` is true.
[[nodiscard]] std::vector<ProcessRef> descendants(pid_t root,
                                                  const std::function<bool(pid_t)>& apart = {});

/// Every process that `parent` has started itself and that has not ended.
[[nodiscard]] std::vector<ProcessRef> children(pid_t parent);

/// True for a process of ours beside a task: a supervisor, whose tree is that task's and not its
/// starter's, or a copy.
[[nodiscard]] bool is_supervisor(pid_t pid);

/// Every process that carries `entry` (`K=V`) in the environment it was started with.
[[nodiscard]] std::vector<ProcessRef> carrying(const std::string& entry);

/// Its command line for people, at most 200 bytes.
[[nodiscard]] std::string command_line(pid_t pid);

}  // namespace workflow::tasks
