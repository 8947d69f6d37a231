#include "apps/workflow-agent/sweep_verbs.h"

#include "common/text.h"
#include "fsm/planner.h"
#include "sweep/run_story.h"
#include "sweep/start.h"
#include "sweep/status.h"
#include "sweep/stop.h"
#include "tasks/task_window.h"

namespace workflow::agent {
namespace {

sweep::StatusAsk status_ask(const Reply& reply) {
  return {.campaign = reply.text("campaign"),
          .all = flag_at(reply.args(), "all"),
          .after = number_at(reply.args(), "after"),
          .limit = number_at(reply.args(), "limit", 1000),
          .selection = sweep::selection_from(member(reply.args(), "selection"))};
}

sweep::SweepAsk sweep_ask(const Reply& reply) {
  sweep::SweepAsk ask;
  ask.manifest = reply.request().blob("manifest");
  ask.manifest_name = reply.text("manifest_name");
  ask.selection = sweep::selection_from(member(reply.args(), "selection"));
  ask.force = flag_at(reply.args(), "force");
  ask.redo_changed = flag_at(reply.args(), "redo_changed");
  ask.secrets = reply.secrets();
  return ask;
}

/// sweep-start --dry-run: read only.
Json sweep_plan(Reply& reply) {
  const sweep::SweepPlan plan = sweep::plan_sweep(reply.site(), sweep_ask(reply));
  Json out = {{"state", fsm::name(plan.state)},
              {"legal", plan.legal},
              {"rows", plan.rows},
              {"run", plan.run},
              {"resumes", plan.resumes},
              {"running", plan.running.empty() ? Json() : Json(plan.running)}};
  if (plan.legal) return out;
  const fsm::Refusal refusal = fsm::refuse(plan.state, fsm::Event::sweep_start, true);
  out["refusal"] = fsm::refusal_text(refusal);
  out["hint"] = fsm::refusal_hint(refusal);
  return out;
}

/// Whoever edits here and forgets to ship it looks at results of other code.
void note_other_tree(const Reply& reply, std::vector<std::string>& notes) {
  const std::string here = reply.text("tree");
  const Json claims = reply.site().keeper().load().claims;
  const std::string there = text_at(member(claims, "checkout"), "tree");
  if (here.empty() || there.empty() || here == there) return;
  notes.push_back("the tree here is not what is checked out (" + there.substr(0, 12) +
                  "); workflow checkout ships it");
}

Json sweep_start(Reply& reply) {
  const sweep::SweepAsk ask = sweep_ask(reply);
  tasks::Ask state_ask = reply.ask(fsm::Event::sweep_start);
  state_ask.reason = "sweep of " + ask.manifest_name;
  reply.site().ensure_pod_id();
  auto started = sweep::start_sweep(reply.site(), ask, state_ask);
  note_other_tree(reply, started.notes);
  const tasks::TaskStore store = reply.site().tasks();
  const tasks::TaskView task = store.view(started.task_id);
  if (started.created) tasks::open_task_window(reply.site(), task.dir, task.spec);
  return {{"campaign", started.campaign_id},
          {"task_id", started.task_id},
          {"created", started.created},
          {"resumed", started.resumed},
          {"rows", started.rows},
          {"skipped", started.skipped},
          {"state", fsm::name(reply.site().keeper().load().state)},
          {"attach", tasks::attach_command(reply.site().tmux("SWEEP_TMUX_SESSION"),
                                           store.view(started.task_id).window_id)},
          {"notes", started.notes}};
}

Json sweep_status(Reply& reply) {
  sweep::StatusAsk ask = status_ask(reply);
  ask.page_bytes = 160 * 1024;  // what a slow line carries in a second
  return sweep::sweep_status(reply.site(), ask);
}

Json sweep_stop(Reply& reply) {
  const auto stopped = sweep::stop_sweep(reply.site(), reply.ask(fsm::Event::sweep_stop),
                                         [&](const std::string& text) { reply.progress(text); });
  return {{"campaign", stopped.campaign_id},
          {"runs", stopped.runs},
          {"pending", stopped.pending},
          {"state", fsm::name(reply.site().keeper().load().state)},
          {"notes", stopped.notes}};
}

Json run_show(Reply& reply) {
  const std::string id = reply.text("run_id");
  require_id("run", id);
  return sweep::run_story(reply.site(), id);
}

}  // namespace

const std::vector<Verb> sweep_verbs = {{"sweep-start", sweep_start, Records::changed},
                                       {"sweep-plan", sweep_plan},
                                       {"sweep-status", sweep_status},
                                       {"sweep-follow", sweep_follow},
                                       {"sweep-report", sweep_report},
                                       {"sweep-stop", sweep_stop, Records::changed},
                                       {"run-show", run_show}};

}  // namespace workflow::agent
