#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "tasks/process.h"

namespace workflow::tasks {

/// What processes have used since they began, ended children included.
struct ProcessUse {
  std::int64_t cpu_ms = 0;    ///< of all cores
  std::int64_t io_bytes = 0;  ///< read and written, through caches and pipes too
};

/// Every process at one instant, so that the trees of several tasks cost one look at /proc.
class ProcessTable {
 public:
  ProcessTable();

  /// The use of a task's work: its leader with all below it, and what came to be below its
  /// supervisor. The supervisor itself, other tasks and copies are no part of it.
  [[nodiscard]] ProcessUse use_of(const ProcessRef& leader, const ProcessRef& supervisor) const;

 private:
  struct Process {
    std::uint64_t start = 0;
    std::int64_t cpu_ticks = 0;
  };
  void collect(pid_t root, std::vector<pid_t>& found) const;

  std::map<pid_t, Process> processes_;
  std::multimap<pid_t, pid_t> children_;
};

}  // namespace workflow::tasks
