#include "sweep/evidence.h"

#include <unistd.h>

#include <cerrno>

#include "common/error.h"
#include "common/text.h"
#include "sweep/campaign.h"
#include "sweep/row_index.h"
#include "sweep/run.h"
#include "tasks/steps/step_task.h"

namespace workflow::sweep {

using tasks::Claim;
using tasks::Evidence;
using tasks::Liveness;

namespace {

Claim tools_claim(const Json& claims) {
  const Json& tools = member(member(claims, "bootstrap"), "tools");
  if (!tools.is_object()) return {};
  for (const auto& [tool, where] : tools.items()) {
    const std::string path = text_at(where, "path");
    if (path.empty() || ::access(path.c_str(), X_OK) == 0) continue;
    // Any other errno is about the disk, not about the tool.
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) return {};
    return {Liveness::gone, tool + " is gone from " + path + " since bootstrap"};
  }
  return {Liveness::alive, {}};
}

Claim checkout_claim(const Json& claims) {
  const Json& checkout = member(claims, "checkout");
  if (!checkout.is_object()) return {};
  for (const char* key : {"repo", "venv_python"}) {
    const std::string path = text_at(checkout, key);
    if (path.empty()) continue;
    if (presence(path) == Presence::absent) return {Liveness::gone, "'" + path + "' is gone"};
    if (presence(path) == Presence::unknown) return {};
  }
  return {Liveness::alive, {}};
}

/// An executor that gave up says why in its last line.
std::string last_line(const fs::path& log) {
  constexpr std::int64_t longest = 2000;
  const auto lines = split(trim(read_tail(log, longest).bytes), '\n');
  return lines.back().substr(0, longest / 2);
}

/// Adds the rows of a campaign whose processes live; whether every row has ended.
bool look_at_rows(const tasks::Site& site, const std::string& campaign, Evidence& evidence) {
  const fs::path dir = site.campaign_dir(campaign);
  bool all = presence(stop_file(dir)) == Presence::absent;
  for (const auto& row : RowIndex(site.files(), site.clock(), dir).load()) {
    if (fsm::is_ended(row.state)) continue;
    std::optional<RunView> run;
    try {
      if (row.state == RunState::running) run = look_at_run(site.files(), site.run_dir(row.run_id));
    } catch (const Error& fault) {
      // Its record cannot be read: only its processes can say whether it lives.
      all = false;
      evidence.warnings.push_back(fault.what());
      if (processes_of(site, row.run_id)) evidence.living_runs.push_back(row.run_id);
      continue;
    }
    const bool ours = is_attempt(run, campaign, row);
    if (!ours || !run->task.record.ended()) all = false;
    if (ours && !run->task.record.ended() && run->task.leader != Liveness::gone) {
      evidence.living_runs.push_back(row.run_id);
    }
  }
  return all;
}

/// A task whose record cannot be read says nothing, and must not hide the others.
std::vector<tasks::TaskView> unended_tasks(const tasks::Site& site) {
  std::vector<tasks::TaskView> out;
  for (const auto& id : site.tasks().ids()) {
    try {
      tasks::TaskView view = site.tasks().view(id);
      if (!view.record.ended()) out.push_back(std::move(view));
    } catch (const Error&) {
    }
  }
  return out;
}

/// Somebody deleted the record: what runs is found by its task, so that nobody takes the target for
/// a new one.
void look_without_record(const tasks::Site& site, Evidence& evidence) {
  for (const auto& view : unended_tasks(site)) {
    const auto kind = view.spec.kind;
    const std::string& id = view.spec.task_id;
    if (kind == tasks::TaskKind::sweep && executor_lives(view) != Liveness::gone) {
      evidence.found_campaign = text_at(view.spec.identity, "campaign_id");
      evidence.found_executor = id;
      evidence.executor.holds = executor_lives(view);
    }
    const auto step = fsm::event_from(text_at(view.spec.identity, "step"));
    if (kind == tasks::TaskKind::step && step && view.leader != Liveness::gone) {
      evidence.found_lease = tasks::Lease{*step, id, {}, view.record.created_ms};
    }
  }
}

/// Runs that live although the record names no campaign.
void look_at_every_campaign(const tasks::Site& site, Evidence& evidence) {
  for (const auto& id : site.files().list(site.below("_campaigns"))) {
    try {
      (void)look_at_rows(site, id, evidence);
    } catch (const Error&) {
      // An old campaign that cannot be read must not stand in the way of a new one.
    }
  }
}

void look_at_sweep(const tasks::Site& site, const tasks::StateRecord& record, Evidence& evidence) {
  if (record.campaign.empty()) return look_at_every_campaign(site, evidence);
  const std::string task = executor_task(record);
  try {
    const tasks::TaskView view = site.tasks().view(task);
    evidence.executor.holds = executor_lives(view);
    if (evidence.executor.holds == Liveness::gone) {
      evidence.executor.why = "its executor is gone";
      if (!view.record.reason.empty())
        evidence.executor.why += ": " + view.record.reason;
      else if (view.record.exit_code.value_or(0) != 0)
        evidence.executor.why += ": " + last_line(view.dir / "stdout.log");
      else if (view.record.signal)
        evidence.executor.why += ", ended by signal " + std::to_string(*view.record.signal);
    }
  } catch (const Error& fault) {
    if (fault.code() != Code::not_found) throw;
    evidence.executor = {Liveness::gone, "there is no executor task '" + task + "'"};
  }
  evidence.rows_ended = look_at_rows(site, record.campaign, evidence);
}

void look_at_lease(const tasks::Site& site, const tasks::Lease& lease, Evidence& evidence) {
  try {
    const tasks::TaskView view = site.tasks().view(lease.task_id);
    evidence.lease_holder = view.record.ended() ? Liveness::gone : view.supervisor;
    // A step whose supervisor died may still be changing things.
    if (!view.record.ended() && view.leader == Liveness::alive) {
      evidence.lease_holder = Liveness::alive;
    }
    evidence.lease_succeeded = view.record.state == tasks::TaskState::success;
    if (evidence.lease_succeeded)
      evidence.lease_claims = tasks::step_claims(site.files(), view.dir);
  } catch (const Error& fault) {
    if (fault.code() != Code::not_found) throw;
    evidence.lease_holder = Liveness::gone;
  }
}

}  // namespace

Liveness executor_lives(const tasks::TaskView& task) {
  if (task.record.ended()) return Liveness::gone;
  return task.record.leader.pid == 0 ? task.supervisor : task.leader;
}

std::string executor_task(const tasks::StateRecord& record) {
  const std::string named = text_at(member(record.claims, "sweep"), "task_id");
  return named.empty() ? "sweep-" + record.campaign : named;
}

void recover_record(const tasks::Site& site, const tasks::Ask& ask) {
  if (site.keeper().load().revision > 0) return;
  tasks::Ask look = ask;
  look.event = fsm::Event::fsm_status;  // legal everywhere, moves nothing
  (void)site.keeper().advance(
      look, [&](const tasks::StateRecord& record) { return gather(site, record); });
}

std::string current_campaign(const tasks::Site& site, const tasks::StateRecord& record) {
  return record.revision > 0 ? record.campaign : gather(site, record).found_campaign;
}

Evidence gather(const tasks::Site& site, const tasks::StateRecord& record) {
  Evidence evidence;
  evidence.pod_id = site.pod_id();
  evidence.bootstrapped = tools_claim(record.claims);
  evidence.checked_out = checkout_claim(record.claims);
  if (record.lease) look_at_lease(site, *record.lease, evidence);
  look_at_sweep(site, record, evidence);
  if (record.revision == 0) look_without_record(site, evidence);
  return evidence;
}

}  // namespace workflow::sweep
