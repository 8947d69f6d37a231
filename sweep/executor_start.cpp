#include "sweep/executor_start.h"

#include "common/text.h"
#include "tasks/launch.h"

namespace workflow::sweep {
namespace {

/// `sweep-ID`, and `sweep-ID-2` … for those that go on after it.
std::string free_task(const tasks::TaskStore& store, const std::string& campaign_id) {
  std::string task = "sweep-" + campaign_id;
  for (int n = 2; store.exists(task); ++n) {
    task = "sweep-" + campaign_id + "-" + std::to_string(n);
  }
  return task;
}

}  // namespace

std::string start_executor(const tasks::Site& site, const ExecutorStart& start,
                           tasks::StateRecord& record) {
  tasks::TaskStore store = site.tasks();
  tasks::TaskSpec spec;
  spec.task_id = free_task(store, start.campaign_id);
  spec.kind = tasks::TaskKind::sweep;
  spec.argv = {tasks::agent_path(), "execute", site.campaign_dir(start.campaign_id).string()};
  spec.leader_only = true;  // the runs have supervisors of their own and outlive it
  spec.grace_secs = site.number("KILL_GRACE_SECS", 30);
  spec.tmux_session = site.text("SWEEP_TMUX_SESSION");
  spec.token = random_hex(8);
  spec.identity = {{"campaign_id", start.campaign_id}};
  const FileLock lock = store.create(spec);
  tasks::start_supervisor(store.dir(spec.task_id), lock, start.secrets);
  record.campaign = start.campaign_id;
  record.claims["sweep"] = {{"task_id", spec.task_id}, {"request", start.request}};
  return spec.task_id;
}

}  // namespace workflow::sweep
