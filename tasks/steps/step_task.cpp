#include "tasks/steps/step_task.h"

#include "common/error.h"
#include "common/text.h"
#include "tasks/cancel.h"
#include "tasks/launch.h"
#include "tasks/steps/git_locks.h"
#include "tasks/steps/step.h"

namespace workflow::tasks {

int run_step(Files& files, const Clock& clock, const fs::path& task_dir) {
  const TaskView view = observe(files, task_dir);
  const Site site(files, clock, member(view.spec.owner, "site"));
  const Step step(site, task_dir);
  const StateRecord record = site.keeper().load_settled();
  if (!record.lease || record.lease->task_id != view.spec.task_id) {
    // Whoever started us was killed before the lease was written: another may begin any moment.
    step.say("the state does not name this step; nothing is done");
    return 1;
  }
  try {
    if (text_at(view.spec.owner, "event") == fsm::name(fsm::Event::bootstrap)) {
      bootstrap(step);
    } else {
      clear_dead_locks(step, site.repo());
      checkout(step);
    }
    return 0;
  } catch (const Error& fault) {
    step.say(std::string("failed: ") + fault.what());
    if (!fault.hint().empty()) step.say("  " + fault.hint());
    files.write(task_dir / "failure.json", pretty_json({{"code", code_name(fault.code())},
                                                        {"message", fault.what()},
                                                        {"hint", fault.hint()}}));
    return fault.code() == Code::work_failed ? 1 : static_cast<int>(fault.code());
  }
}

Json step_claims(Files& files, const fs::path& task_dir) {
  const auto bytes = files.read(task_dir / "result.json");
  if (!bytes) return Json::object();
  const Json claims = member(parse_json(*bytes, (task_dir / "result.json").string()), "claims");
  return claims.is_object() ? claims : Json::object();
}

std::string step_summary(Files& files, const fs::path& task_dir) {
  const auto bytes = files.read(task_dir / "result.json");
  return bytes ? text_at(parse_json(*bytes, (task_dir / "result.json").string()), "summary")
               : std::string();
}

std::vector<std::string> step_warnings(Files& files, const fs::path& task_dir) {
  std::vector<std::string> warnings = split(files.read(task_dir / "warnings").value_or(""), '\n');
  std::erase(warnings, "");
  return warnings;
}

namespace {

std::string free_task_id(const TaskStore& store, const std::string& wanted) {
  std::string id = wanted;
  // A deleted state file begins to count anew; its old tasks keep their names.
  for (int n = 2; store.exists(id); ++n) id = wanted + "-" + std::to_string(n);
  return id;
}

/// The step that an earlier sending of the same request has started.
std::optional<StepStart> started_before(const Site& site, const std::string& token) {
  const TaskStore store = site.tasks();
  for (const auto& id : store.ids()) {
    const auto spec = site.files().read(store.dir(id) / "spec.json");
    if (!spec || spec->find(token) == std::string::npos) continue;
    if (store.view(id).spec.token == token) return StepStart{id, true};
  }
  return {};
}

/// The same step with the same inputs, where it is going: whoever asks for it watches that one.
std::optional<StepStart> join_step(const Site& site, fsm::Event event, const std::string& inputs) {
  const StateRecord now = site.keeper().load();
  const TaskStore store = site.tasks();
  if (!now.lease || now.lease->command != event || !store.exists(now.lease->task_id)) return {};
  const TaskView going = store.view(now.lease->task_id);
  const bool at_work = going.supervisor == Liveness::alive || going.leader == Liveness::alive;
  if (going.record.ended() || !at_work) return {};
  if (text_at(going.spec.identity, "inputs_sha256") != inputs) return {};
  return StepStart{now.lease->task_id, false};
}

StepStart begin_step(const Site& site, fsm::Event event, const Ask& ask,
                     const std::function<Evidence(const StateRecord&)>& look,
                     const std::vector<std::string>& secrets, const std::string& inputs) {
  StateKeeper keeper = site.keeper();
  TaskStore store = site.tasks();
  const StateRecord now = keeper.load();
  TaskSpec spec;
  spec.task_id =
      free_task_id(store, std::string(fsm::name(event)) + "-" + std::to_string(now.revision + 1));
  spec.kind = TaskKind::step;
  const fs::path dir = store.dir(spec.task_id);
  spec.argv = {agent_path(), "step", dir.string()};
  spec.grace_secs = site.number("KILL_GRACE_SECS", 30);
  spec.leader_only = true;  // a bootstrap script may leave a service behind
  spec.tmux_session = site.text("WF_TMUX_SESSION");
  spec.token = ask.token;
  spec.identity = {{"step", fsm::name(event)}, {"inputs_sha256", inputs}};
  spec.owner = {{"event", fsm::name(event)}, {"site", site.args()}};
  Ask lease = ask;
  lease.event = event;
  lease.lease_task = spec.task_id;
  bool ours = false;
  lease.effect = [&](StateRecord&) {
    const FileLock lock = store.create(spec);
    ours = true;
    start_supervisor(dir, lock, secrets);
  };
  const Advanced advanced = [&] {
    try {
      return keeper.advance(lease, look);
    } catch (const Error&) {
      // Started, but its lease could not be written: nobody would know of it.
      if (ours) order_cancel(site.files(), dir, {.by = "a lost lease"});
      throw;
    }
  }();
  // The step may have ended before its lease was written: then nobody has settled it.
  const TaskView view = store.view(spec.task_id);
  if (view.record.ended()) settle_step(site.files(), site.clock(), dir, view.spec, view.record);
  StepStart started{spec.task_id, true, advanced.notes};
  const std::string ran = text_at(member(advanced.after.claims, "bootstrap"), "script_sha256");
  if (event == fsm::Event::checkout && !ran.empty() && ran != script_sha256(site)) {
    started.notes.push_back("BOOTSTRAP_SCRIPT has changed since bootstrap ran it");
  }
  return started;
}

}  // namespace

StepStart start_step(const Site& site, fsm::Event event, const Ask& ask,
                     const std::function<Evidence(const StateRecord&)>& look,
                     const std::vector<std::string>& secrets, bool again) {
  if (again) {
    if (const auto before = started_before(site, ask.token)) return *before;
  }
  (void)site.ensure_pod_id();  // the lease names the pod it is on
  const std::string inputs = step_inputs_sha256(site, event);
  for (int tries = 1;; ++tries) {
    if (const auto joined = join_step(site, event, inputs)) return *joined;
    try {
      return begin_step(site, event, ask, look, secrets, inputs);
    } catch (const Error& fault) {
      // Somebody was quicker: the same step is going now, or has ended since and left its name.
      if (fault.code() != Code::busy && fault.code() != Code::exists) throw;
      if (const auto joined = join_step(site, event, inputs)) return *joined;
      const auto lease = site.keeper().load().lease;
      const bool goes_on = lease && (!site.tasks().exists(lease->task_id) ||
                                     !site.tasks().view(lease->task_id).record.ended());
      if (goes_on || tries == 3) throw;
    }
  }
}

void settle_step(Files& files, const Clock& clock, const fs::path& task_dir, const TaskSpec& spec,
                 const TaskRecord& record) {
  const Site site(files, clock, member(spec.owner, "site"));
  const bool success = record.state == TaskState::success;
  const std::string summary = step_summary(files, task_dir);
  std::string reason = text_at(spec.identity, "step") + " " + record.state_name();
  if (!summary.empty()) reason += ": " + summary;
  site.keeper().settle_lease(spec.task_id, success, reason, step_claims(files, task_dir));
}

}  // namespace workflow::tasks
