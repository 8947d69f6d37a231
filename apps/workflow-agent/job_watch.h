#pragma once

#include <cstdint>
#include <string>

#include "apps/workflow-agent/reply.h"

namespace workflow::agent {

/// The beginning of a job for whoever follows it: `job` events when its phase or a step changes,
/// `step_log` events (`step`, `text` or `base64`) with what the steps say. Who does not ask for the
/// `beginning`, or comes back after a lost connection, hears what is new from then on.
class JobWatch {
 public:
  JobWatch(Reply& reply, const fs::path& dir);

  /// Returns when the command has begun, the task has ended, the client has gone, or the clock
  /// shows `until_ms` (-1: never).
  void until_it_runs(std::int64_t until_ms);

 private:
  void tell_changes(const Json& record);
  void tell_phase(const Json& record);
  void tell_log();

  Reply& reply_;
  fs::path dir_;
  std::string told_{};
  Json step_{};  ///< whose log is being told
  std::int64_t offset_ = 0;
  bool from_end_;
};

}  // namespace workflow::agent
