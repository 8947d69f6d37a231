#include "sweep/other_executor.h"

#include "common/error.h"
#include "sweep/evidence.h"

namespace workflow::sweep {

using tasks::Liveness;

void require_no_executor(const tasks::StateRecord& record, fsm::State state,
                         const tasks::Evidence& evidence) {
  const Liveness executor = evidence.executor.holds;
  if (record.campaign.empty() || evidence.rows_ended || executor == Liveness::gone) return;
  const bool moves = fsm::next(state, fsm::Event::sweep_start).has_value();
  if (!moves || state == fsm::State::sweep_completed) return;
  const std::string task = executor_task(record);
  // On a new pod with the old volume the old pod's executor stays unknown for ever.
  if (executor == Liveness::unknown && state != fsm::State::sweep_stalled) return;
  if (executor == Liveness::unknown) {
    throw Error(Code::unreachable,
                "the executor of campaign " + record.campaign +
                    " may live on another machine or in another container; nothing was started",
                "look there: its task is " + task);
  }
  throw Error(Code::busy, "busy: the executor of campaign " + record.campaign + " is still at work",
              "end it: workflow task-cancel " + task,
              dump_json({{"holder", {{"campaign", record.campaign}, {"task_id", task}}}}));
}

void require_reach(const tasks::StateRecord& record, const tasks::Evidence& evidence) {
  if (evidence.executor.holds != tasks::Liveness::unknown) return;
  throw Error(Code::unreachable,
              "the executor of campaign " + record.campaign +
                  " runs on another machine or in another container; nothing was done",
              "stop it from there; its task is " + executor_task(record));
}

}  // namespace workflow::sweep
