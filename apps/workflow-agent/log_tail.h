#pragma once

#include <cstdint>
#include <string>

#include "apps/workflow-agent/reply.h"

namespace workflow::agent {

/// The end of one run's log, and what is added to it, for whoever looks at that run.
class LogTail {
 public:
  explicit LogTail(Reply& reply) : reply_(reply) {}

  /// From now on the log of this run; an empty id: none. Error(usage) for what is no id.
  void follow(const std::string& run_id);
  /// Tells what is new: `{"event":"log_of","id","offset"}` where it begins, or begins anew with
  /// another attempt, then `log` events.
  void tell();

 private:
  Reply& reply_;
  std::string id_;
  fs::path log_;
  std::uint64_t inode_ = 0;
  std::int64_t offset_ = 0;
};

}  // namespace workflow::agent
