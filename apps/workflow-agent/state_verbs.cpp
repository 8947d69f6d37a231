#include "apps/workflow-agent/call.h"
#include "common/text.h"
#include "fsm/planner.h"
#include "sweep/evidence.h"
#include "tasks/dead_man.h"
#include "tasks/doctor.h"
#include "tasks/mirror.h"
#include "tasks/steps/step_task.h"
#include "tasks/task_window.h"

namespace workflow::agent {
namespace {

using tasks::Evidence;
using tasks::StateRecord;

auto look_here(const Reply& reply) {
  return [&reply](const StateRecord& record) { return sweep::gather(reply.site(), record); };
}

Json state_data(const Reply& reply) {
  const tasks::Site& site = reply.site();
  const tasks::StateKeeper keeper = site.keeper();
  const StateRecord record = keeper.load();
  const Evidence evidence = sweep::gather(site, record);
  const tasks::Supported truth = tasks::supported(record, evidence);
  const bool unknown_executor = truth.state == fsm::State::sweep_running &&
                                evidence.executor.holds == tasks::Liveness::unknown;
  Json legal = Json::array();
  for (const auto event : fsm::legal_commands(truth.state)) legal.push_back(fsm::name(event));
  Json out = {{"state", fsm::name(truth.state)},
              {"recorded_state", fsm::name(record.state)},
              {"previous", record.previous ? Json(fsm::name(*record.previous)) : Json()},
              {"revision", record.revision},
              {"reason", truth.reason.empty() ? record.reason : truth.reason},
              {"correction", truth.reason.empty() ? Json() : Json(truth.reason)}};
  out["updated_at"] = record.revision > 0 ? Json(utc_text(record.updated_ms)) : Json();
  out["updated_by"] = record.revision > 0 ? tasks::actor_json(record.by) : Json();
  out["state_file"] = keeper.state_file().string();
  out["lease"] = Json();
  if (record.lease && evidence.lease_holder != tasks::Liveness::gone) {
    out["lease"] = tasks::lease_json(*record.lease);
  }
  const std::string campaign = record.campaign + evidence.found_campaign;  // never both
  out["campaign"] = campaign.empty() ? Json() : Json(campaign);
  out["pod"] = record.pod;
  out["claims"] = record.claims;
  out["legal_commands"] = std::move(legal);
  out["certainty"] = unknown_executor ? "unknown" : "proven";
  out["outputs_dir"] = site.outputs().string();
  out["mirror"] = Json();
  if (site.live()) out["mirror"] = tasks::mirror_state(site.files(), site.clock(), *site.live());
  if (record.unenforced) out["unenforced"] = true;
  return out;
}

Json fsm_status(Reply& reply) { return state_data(reply); }

Json fsm_log(Reply& reply) {
  Json lines = Json::array();
  for (auto& line : reply.site().keeper().log()) lines.push_back(std::move(line));
  return {{"changes", std::move(lines)}};
}

/// A state set by hand under a living sweep would leave it running with nobody to stop it.
void refuse_while_working(const StateRecord& record, const Evidence& evidence) {
  const bool executor = evidence.executor.holds == tasks::Liveness::alive;
  if (!executor && evidence.living_runs.empty()) return;
  throw Error(Code::refused,
              "campaign " + record.campaign + evidence.found_campaign + " is running" +
                  (evidence.living_runs.empty() ? "" : ": " + join(evidence.living_runs, ", ")),
              "end it: workflow sweep-stop; or give --yes and it goes on unwatched");
}

Json fsm_reset(Reply& reply) {
  tasks::Ask ask = reply.ask(fsm::Event::fsm_reset);
  ask.chosen = fsm::state_from(reply.text("state"));
  ask.reason = "reset by hand";
  reply.site().ensure_pod_id();
  if (member(reply.args(), "if_revision").is_number()) {
    ask.if_revision = number_at(reply.args(), "if_revision");
  }
  tasks::StateKeeper keeper = reply.site().keeper();
  const bool sure = flag_at(reply.args(), "sure");
  const auto done = keeper.advance(ask, [&](const StateRecord& record) {
    Evidence evidence = sweep::gather(reply.site(), record);
    if (!sure) refuse_while_working(record, evidence);
    return evidence;
  });
  Json out = state_data(reply);
  out["notes"] = done.notes;
  return out;
}

/// The target answers: that is all a target that needs no renting has to do.
Json pod_answers(Reply& reply) {
  const auto event = fsm::event_from(reply.text("command")).value_or(fsm::Event::pod_status);
  tasks::StateKeeper keeper = reply.site().keeper();
  reply.site().ensure_pod_id();
  tasks::Ask ask = reply.ask(event);
  ask.reason = "the target answers";
  const tasks::Advanced advanced = [&] {
    try {
      return keeper.advance(ask, look_here(reply));
    } catch (const Error& fault) {
      if (fault.code() != Code::illegal_state) throw;
      ask.event = fsm::Event::pod_status;  // it is up already: nothing is done twice
      return keeper.advance(ask, look_here(reply));
    }
  }();
  Json out = state_data(reply);
  out["notes"] = advanced.notes;
  const tasks::Place& here = tasks::here();
  out["answers"] = true;
  out["host"] = here.host;
  out["boot_id"] = here.boot_id;
  out["dead_man"] = tasks::dead_man_state(reply.site().files());
  return out;
}

/// What the target has and lacks; the clock's reading goes last, so that it is fresh when it comes.
Json doctor(Reply& reply) {
  Json findings = Json::array();
  for (const auto& found : tasks::examine(reply.site())) {
    findings.push_back({{"check", found.check},
                        {"state", tasks::name(found.state)},
                        {"text", found.text},
                        {"hint", found.hint}});
  }
  return {{"findings", std::move(findings)},
          {"host", tasks::here().host},
          {"now_ms", reply.site().clock().now_ms()}};
}

Json failure_of(Files& files, const fs::path& dir) {
  const auto bytes = files.read(dir / "failure.json");
  return bytes ? parse_json(*bytes, (dir / "failure.json").string()) : Json::object();
}

/// bootstrap and checkout: starts the step or joins it, and follows it to its end.
Json run_step(Reply& reply) {
  const tasks::Site& site = reply.site();
  const auto event = fsm::event_from(reply.text("command")).value();
  const auto started = tasks::start_step(site, event, reply.ask(event), look_here(reply),
                                         reply.secrets(), reply.request().again);
  const fs::path dir = site.tasks().dir(started.task_id);
  if (started.created) {
    tasks::open_task_window(site, dir, tasks::observe(site.files(), dir).spec);
  }
  reply.send({{"event", "started"}, {"task_id", started.task_id}, {"created", started.created}});
  const auto followed = reply.follow(dir, number_at(reply.args(), "offset"), -1);
  if (followed == tasks::Followed::reader_gone) return Json::object();
  const tasks::TaskView view = tasks::observe(site.files(), dir);
  tasks::settle_step(site.files(), site.clock(), dir, view.spec, view.record);
  Json out = state_data(reply);
  out["task"] = view.json();
  out["created"] = started.created;
  out["summary"] = tasks::step_summary(site.files(), dir);
  out["failure"] = failure_of(site.files(), dir);
  out["notes"] = started.notes;
  for (const auto& text : tasks::step_warnings(site.files(), dir)) out["notes"].push_back(text);
  return out;
}

}  // namespace

const std::vector<Verb> state_verbs = {{"fsm-status", fsm_status},
                                       {"fsm-log", fsm_log},
                                       {"fsm-reset", fsm_reset, Records::changed},
                                       {"pod-answers", pod_answers, Records::changed},
                                       {"doctor", doctor, Records::none},
                                       {"step", run_step, Records::changed}};

}  // namespace workflow::agent
