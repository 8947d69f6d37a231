#pragma once

#include <string>
#include <vector>

#include "tasks/site.h"
#include "tasks/state_record.h"

namespace workflow::sweep {

/// An executor to be started.
struct ExecutorStart {
  std::string campaign_id;
  std::string request{};               ///< token of the request that starts it
  std::vector<std::string> secrets{};  ///< `K=V` for it and its runs
};

/// Starts an executor of a campaign as a task and names both in the record, which the caller writes
/// under the state's lock: until then the executor waits. Returns the task's id.
std::string start_executor(const tasks::Site& site, const ExecutorStart& start,
                           tasks::StateRecord& record);

}  // namespace workflow::sweep
