#include "sweep/sweep_end.h"

#include <unistd.h>

#include <cstdlib>

#include "common/error.h"
#include "sweep/evidence.h"

namespace workflow::sweep {
namespace {

/// Thrown through the keeper when something was asked of the campaign at the last moment.
struct More {};

}  // namespace

bool names_this_executor(const tasks::Site& site, const Campaign& campaign) {
  const tasks::StateRecord record = site.keeper().load_settled();
  const char* task = std::getenv("WF_TASK_ID");
  return record.campaign == campaign.id && task != nullptr && executor_task(record) == task;
}

bool end_sweep(const tasks::Site& site, const Campaign& campaign, fsm::Event event,
               const std::string& reason, const std::function<bool()>& more) {
  tasks::Ask ask;
  ask.event = event;
  ask.by = site.actor();
  ask.by.pid = ::getpid();
  ask.reason = reason;
  const auto look = [&](const tasks::StateRecord& record) {
    if (more()) throw More{};
    // Without a record the evidence finds this campaign by its executor.
    if (record.revision > 0 && record.campaign != campaign.id)
      bug("the state is about another campaign");
    tasks::Evidence evidence = gather(site, record);
    evidence.executor.holds = tasks::Liveness::alive;
    return evidence;
  };
  try {
    site.keeper().advance(ask, look);
  } catch (const More&) {
    return false;
  }
  return true;
}

}  // namespace workflow::sweep
