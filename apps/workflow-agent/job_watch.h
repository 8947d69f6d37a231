#pragma once

#include <cstdint>
#include <string>

#include "apps/workflow-agent/reply.h"

namespace workflow::agent {

/// The beginning of a job for whoever follows it: `job` events when its phase changes,
/// `step` events when a step begins or ends, `step_log` events (`id`, `text` or `base64`) with what
/// it says. Who does not ask for the
/// `beginning`, or comes back after a lost connection, hears what is new from then on.
class JobWatch {
 public:
  JobWatch(Reply& reply, const fs::path& dir);

  /// Returns when the command has begun, the task has ended, the client has gone, or the clock
  /// shows `until_ms` (-1: never).
  void until_it_runs(std::int64_t until_ms);

 private:
  void tell_changes(const Json& record);
  void skip_told(const Json& steps);
  void tell_step(const Json& step, const std::string& state, std::size_t of);
  void tell_log(const Json& step);

  Reply& reply_;
  fs::path dir_;
  std::string phase_{};
  std::size_t told_ = 0;  ///< so many steps are done with
  bool begun_ = false;    ///< the one behind them was told of, and of its log
  std::int64_t offset_ = 0;
  bool from_end_;
};

}  // namespace workflow::agent
