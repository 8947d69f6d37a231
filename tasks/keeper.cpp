#include "tasks/keeper.h"

#include "common/error.h"
#include "common/file_lock.h"
#include "common/text.h"
#include "fsm/planner.h"
#include "tasks/refused.h"

namespace workflow::tasks {

using fsm::Event;
using fsm::State;

namespace {

constexpr std::int64_t lock_limit_ms = 30'000;

bool breaks_runs(Event event) { return event == Event::bootstrap || event == Event::checkout; }

Error busy_with_lease(const Lease& lease) {
  return Error(Code::busy,
               "busy: '" + std::string(fsm::name(lease.command)) + "' by " + lease.by.user + "@" +
                   lease.by.host + " since " + utc_text(lease.since_ms) + " (task " +
                   lease.task_id + ")",
               "follow it: workflow task-logs -f " + lease.task_id,
               dump_json({{"holder", lease_json(lease)}}));
}

Error busy_with_runs(Event event, const std::vector<std::string>& runs) {
  return Error(Code::busy,
               "busy: '" + std::string(fsm::name(event)) + "' would change the code under " +
                   (runs.size() == 1 ? "a run that is" : "runs that are") +
                   " going: " + join(runs, ", "),
               "wait for them (workflow sweep-watch) or end them: workflow sweep-stop",
               dump_json({{"holder", {{"runs", runs}}}}));
}

/// A reset is the way out of what cannot even be looked at.
Evidence evidence_for(const Ask& ask, StateRecord& record,
                      const std::function<Evidence(const StateRecord&)>& look,
                      std::vector<std::string>& notes) {
  try {
    return look(record);
  } catch (const Error& fault) {
    if (ask.event != Event::fsm_reset || fault.code() == Code::refused) throw;
    notes.push_back(std::string("reset without a look at the target: ") + fault.what());
    record.campaign.clear();  // what cannot be looked at must not be looked at again
    record.claims.erase("sweep");
    return {};
  }
}

}  // namespace

StateKeeper::StateKeeper(Files& files, const Clock& clock, fs::path state_file, fs::path log_file)
    : files_(files),
      clock_(clock),
      state_file_(std::move(state_file)),
      log_(files, std::move(log_file)) {}

StateRecord StateKeeper::load() const {
  const auto bytes = files_.read(state_file_);
  if (bytes) return state_from(*bytes, state_file_.string());
  // Where a directory on the way is none, a missing file is no proof that nothing was recorded.
  for (fs::path at = state_file_.parent_path(); at.has_relative_path(); at = at.parent_path()) {
    std::error_code fault;
    const auto status = fs::status(at, fault);
    if (fs::is_directory(status)) break;
    if (!fs::exists(status)) continue;
    throw Error(Code::precondition, "'" + at.string() + "' is no directory",
                "OPS_REMOTE_OUTPUTS_DIR must name one, or nothing yet");
  }
  return {};
}

StateRecord StateKeeper::load_settled() const {
  files_.make_dirs(state_file_.parent_path());
  const FileLock lock = FileLock::take(state_file_.parent_path() / "lock", lock_limit_ms);
  return load();
}

Advanced StateKeeper::advance(const Ask& ask,
                              const std::function<Evidence(const StateRecord&)>& look) {
  files_.make_dirs(state_file_.parent_path());
  const FileLock lock = FileLock::take(state_file_.parent_path() / "lock", lock_limit_ms);
  Advanced result;
  bool foreign = false;  // bytes that only a reset may replace, and not before they are kept
  try {
    result.before = load();
  } catch (const Error&) {
    if (ask.event != Event::fsm_reset) throw;
    if (newer_state_schema(files_.read(state_file_).value_or(""))) throw;
    foreign = true;
  }
  StateRecord record = result.before;
  if (ask.if_revision && *ask.if_revision != record.revision) {
    throw Error(Code::busy,
                "the state has moved on: revision " + std::to_string(record.revision) +
                    ", asked for " + std::to_string(*ask.if_revision),
                "look again: workflow fsm-status");
  }
  const Evidence evidence = evidence_for(ask, record, look, result.notes);
  for (const auto& warning : evidence.warnings) result.notes.push_back(warning);
  if (ask.event != Event::fsm_reset) {
    settle_dead_lease(record, ask, evidence, result.notes);
    correct(record, ask, evidence, result.notes);
  }
  const bool moves = fsm::next(record.state, ask.event) != record.state || !ask.lease_task.empty();
  if (record.lease && moves && ask.event != Event::fsm_reset) {
    throw busy_with_lease(*record.lease);
  }
  if (breaks_runs(ask.event) && !evidence.living_runs.empty()) {
    throw busy_with_runs(ask.event, evidence.living_runs);
  }
  const auto allowed = gate(record, ask, result.notes);
  const State to = allowed ? *allowed : leads_to(record.state, ask.event);
  const std::string before_effect = dump_json(state_json(record));
  if (ask.effect) ask.effect(record);
  const bool carried_changed = dump_json(state_json(record)) != before_effect;
  record.by = ask.by;
  record.command = fsm::name(ask.event);
  record.reason = ask.reason;
  if (!ask.lease_task.empty()) {
    record.lease = Lease{ask.event, ask.lease_task, ask.by, clock_.now_ms()};
    if (text_at(record.pod, "id").empty() && !evidence.pod_id.empty()) {
      record.pod["id"] = evidence.pod_id;
    }
    record.unenforced = !allowed;
    write(record, "lease");
  } else if (to != record.state || carried_changed || ask.event == Event::fsm_reset) {
    record.previous = record.state;
    record.state = to;
    record.unenforced = !allowed;
    if (text_at(record.pod, "id").empty() || fsm::next(State::init, ask.event) == to) {
      if (!evidence.pod_id.empty()) record.pod["id"] = evidence.pod_id;
    }
    if (ask.event == Event::fsm_reset) {
      record.lease.reset();
      if (!evidence.pod_id.empty()) record.pod["id"] = evidence.pod_id;
    }
    if (foreign) result.notes.push_back(keep_bytes_beside());
    write(record, ask.event == Event::fsm_reset ? "reset" : "move");
  }
  result.after = record;
  return result;
}

std::optional<State> StateKeeper::gate(const StateRecord& record, const Ask& ask,
                                       std::vector<std::string>& notes) const {
  if (ask.event == Event::fsm_reset) return ask.chosen.value_or(State::init);
  const auto to = fsm::next(record.state, ask.event);
  if (to) return to;
  const Error refusal = illegal(record.state, ask.event);
  if (ask.enforce) throw refusal;
  notes.push_back(std::string(refusal.what()) + "; WF_FSM_ENFORCE=0 lets it pass");
  return std::nullopt;
}

void StateKeeper::correct(StateRecord& record, const Ask& ask, const Evidence& evidence,
                          std::vector<std::string>& notes) {
  const Supported truth = supported(record, evidence);
  // A reason without a move: the pod is another one, and POD_READY is true of it, too.
  if (truth.state == record.state && truth.reason.empty()) return;
  const std::string now(fsm::name(truth.state));
  notes.push_back(truth.state == record.state
                      ? truth.reason + "; the state stays " + now
                      : "state corrected from " + std::string(fsm::name(record.state)) + " to " +
                            now + ": " + truth.reason);
  record.previous = record.state;
  record.state = truth.state;
  record.by = ask.by;
  record.command = fsm::name(ask.event);
  record.reason = truth.reason;
  record.unenforced = false;
  if (!evidence.pod_id.empty()) record.pod["id"] = evidence.pod_id;
  if (!evidence.found_campaign.empty()) {
    record.campaign = evidence.found_campaign;
    record.claims["sweep"] = {{"task_id", evidence.found_executor}};
  }
  if (evidence.found_lease) record.lease = evidence.found_lease;
  write(record, "correction");
}

void StateKeeper::settle_dead_lease(StateRecord& record, const Ask& ask, const Evidence& evidence,
                                    std::vector<std::string>& notes) {
  if (!record.lease || evidence.lease_holder != Liveness::gone) return;
  const Lease lease = *record.lease;
  record.lease.reset();
  record.by = ask.by;
  record.command = fsm::name(lease.command);
  const std::string task =
      "'" + std::string(fsm::name(lease.command)) + "' (task " + lease.task_id + ")";
  if (evidence.lease_succeeded) {
    record.previous = record.state;
    record.state = leads_to(record.state, lease.command);
    record.claims.update(evidence.lease_claims);
    record.reason = task + " had ended well; recorded afterwards";
  } else {
    record.reason = "took over from " + task + ", which is gone";
  }
  notes.push_back(record.reason);
  write(record, evidence.lease_succeeded ? "move" : "lease");
}

void StateKeeper::settle_lease(const std::string& task_id, bool success, const std::string& reason,
                               const Json& claims) {
  const FileLock lock = FileLock::take(state_file_.parent_path() / "lock", lock_limit_ms);
  StateRecord record = load();
  if (!record.lease || record.lease->task_id != task_id) return;
  const Lease lease = *record.lease;
  record.lease.reset();
  record.by = lease.by;
  record.command = fsm::name(lease.command);
  record.reason = reason;
  if (success) {
    record.previous = record.state;
    record.state = leads_to(record.state, lease.command);
    record.claims.update(claims);
  }
  write(record, success ? "move" : "lease");
}

void StateKeeper::write(StateRecord& record, const std::string& kind) {
  // The lock should make this comparison needless; on a file system whose lock does nothing, it
  // keeps a lost update from going unseen.
  const auto bytes = files_.read(state_file_);
  if (bytes && kind != "reset" &&
      state_from(*bytes, state_file_.string()).revision != record.revision) {
    throw Error(Code::busy, "the state was changed by somebody else meanwhile", "try again");
  }
  if (record.revision > 0 && log_.since(record.revision).empty()) log_.append(record, "recovered");
  record.revision += 1;
  record.updated_ms = clock_.now_ms();
  files_.write(state_file_, pretty_json(state_json(record)));
  try {
    log_.append(record, kind);
  } catch (const Error&) {
    // The state has moved: a full disk must not make that look undone. The next change writes it.
  }
}

std::string StateKeeper::keep_bytes_beside() {
  const fs::path beside =
      free_name(state_file_.parent_path(),
                state_file_.filename().string() + ".kept-" + utc_stamp(clock_.now_ms()));
  files_.write(beside, files_.read(state_file_).value_or(""));
  return "the unreadable record was kept as '" + beside.string() + "'";
}

}  // namespace workflow::tasks
