#pragma once

#include <vector>

#include "common/files.h"
#include "tasks/state_record.h"

namespace workflow::tasks {

/// workflow_log.jsonl: one line for every change of the state, with who made it and why.
class StateLog {
 public:
  StateLog(Files& files, fs::path file) : files_(files), file_(std::move(file)) {}

  /// `kind`: move, lease, correction, reset, or recovered (written after a crash kept it out).
  void append(const StateRecord& record, const std::string& kind);
  /// The lines from `revision` on, oldest first; torn lines are left out.
  [[nodiscard]] std::vector<Json> since(std::int64_t revision) const;

 private:
  Files& files_;
  fs::path file_;
};

}  // namespace workflow::tasks
