#include "client/tracked_job.h"

#include "client/kept_job.h"

#include <algorithm>
#include <cstdlib>

#include "client/workflow.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "remote/protocol/message.h"

namespace workflow::client {
namespace {

constexpr std::int64_t note_offset_every_ms = 2'000;

/// What of a job's status is worth keeping here, for the time when its target is away.
Json worth_keeping(const Json& job) {
  Json kept = Json::object();
  for (const char* key :
       {"exit_code", "signal", "signal_number", "started_at", "ended_at", "reason", "tmux_session",
        "attach", "stdout_log", "task_dir", "workspace_base64"}) {
    kept[key] = member(job, key);
  }
  return kept;
}

std::unique_ptr<pods::JobRows> open_rows(const std::function<void(const std::string&)>& remark) {
  try {
    return std::make_unique<pods::JobRows>(pods::Ledger::place());
  } catch (const Error& fault) {
    if (remark) remark(std::string("this job is not recorded here: ") + fault.what());
    return nullptr;
  }
}

/// Whether a fault proves that nothing was begun.
bool began_nothing(const Error& fault) {
  return fault.code() != Code::unreachable && fault.code() != Code::detached;
}

}  // namespace

TrackedJob::TrackedJob(Desk desk) : desk_(std::move(desk)), rows_(open_rows(desk_.on_remark)) {
  if (!desk_.on_event) desk_.on_event = [](const Json&) {};
}

TrackedJob::~TrackedJob() {
  try {
    if (rows_) rows_->note_offset(row_.job_id, row_.offset);
  } catch (const Error&) {
    // Some lines are shown twice then.
  }
}

void TrackedJob::remark(const std::string& text) const {
  if (desk_.on_remark) desk_.on_remark(text);
}

void TrackedJob::save() {
  if (rows_) rows_->save(row_);
}

Session& TrackedJob::session() {
  if (!session_) {
    session_ = std::make_unique<Session>(job_settings(desk_.settings, row_.target, secrets_),
                                         desk_.interrupt_fd);
    session_->on_remark(desk_.on_remark);
  }
  return *session_;
}

void TrackedJob::stop_listening() {
  desk_.interrupt_fd = -1;
  session_.reset();
}

void TrackedJob::note(Json job) {
  job_ = std::move(job);
  row_.state = text_at(job_, "state", "unknown");
  row_.state_at = utc_text(system_clock().now_ms());
  row_.workspace = unbase64(text_at(job_, "workspace_base64")).value_or(row_.workspace);
  Json kept = worth_keeping(job_);
  kept["secret_names"] = secrets_;
  row_.known = dump_json(kept);
  try {
    save();
  } catch (const Error& fault) {  // the job goes on all the same, and its target knows it
    remark(std::string(fault.what()) + "; the job is not touched by that");
  }
}

void TrackedJob::heard(const Json& event) {
  if (text_at(event, "event") == "log") {
    row_.offset =
        number_at(event, "offset") + static_cast<std::int64_t>(protocol::log_bytes(event).size());
  }
  desk_.on_event(event);
  const std::int64_t now = system_clock().steady_ms();
  if (!rows_ || now - offset_noted_ms_ < note_offset_every_ms) return;
  offset_noted_ms_ = now;
  rows_->note_offset(row_.job_id, row_.offset);
}

void TrackedJob::start(const JobSpec& asked) {
  check(asked);
  JobSpec spec = asked;
  if (spec.id.empty()) spec.id = new_job_id(spec);
  const bool known = enter(spec, !asked.id.empty());
  if (known && over()) return;
  save();
  const bool rents = row_.target.empty();
  if (rents) acquire(spec);
  try {
    if (!asked.id.empty() && !spec.force) {
      if (auto found = job_find(session(), spec)) {
        created_ = false;
        return note(std::move(*found));
      }
    }
    begin(spec);
  } catch (const Error& fault) {
    // A machine that an earlier call has rented may have its job at work: it is not ours to end.
    if (began_nothing(fault) && (rents || !known)) leave(known);
    if (const std::string costs = still_costs(); !costs.empty()) remark(costs);
    throw;
  }
}

/// Takes the row that an earlier call of this id has left, if it `may`, or a new one; whether there
/// was one.
bool TrackedJob::enter(const JobSpec& spec, bool may) {
  secrets_ = spec.secrets;
  row_.job_id = spec.id;
  row_.started_at = utc_text(system_clock().now_ms());
  const auto before = rows_ && may ? rows_->find(spec.id) : std::nullopt;
  if (before) come_back(spec, *before);
  if (row_.target.empty() && !spec.provision) row_.target = target_of(spec);
  row_.keep_alive = spec.keep_alive;
  for (const auto& wanted : spec.downloads) {
    const std::string local = fs::absolute(wanted.local).lexically_normal();
    const bool there = std::any_of(row_.downloads.begin(), row_.downloads.end(),
                                   [&](const pods::JobDownloadRow& row) {
                                     return row.remote == wanted.remote && row.local == local;
                                   });
    if (!there) row_.downloads.push_back({wanted.remote, local});
  }
  return before.has_value();
}

/// Nothing was begun: no machine stays for it, and no row that was not there before.
void TrackedJob::leave(bool known) {
  if (!row_.pod_name.empty()) {
    stop_listening();
    remark("the job did not begin");
    if (!give_back(GiveBack::always)) return;
  }
  if (rows_ && !known) rows_->remove(row_.job_id);
}

/// The row of an earlier call of the same job; an ended one of another machine is forgotten.
void TrackedJob::come_back(const JobSpec& spec, const pods::JobRow& before) {
  const bool same_machine = spec.provision
                                ? !before.pod_name.empty() || before.target.empty()
                                : before.pod_name.empty() && before.target == target_of(spec);
  if (!same_machine) {
    if (!before.open()) return;
    throw Error(Code::exists,
                "job '" + spec.id + "' is known already, on " +
                    (before.target.empty() ? "a machine that is being rented" : before.target),
                "choose another --id, or end that one: workflow job-terminate " + spec.id);
  }
  if (before.pod_done && (spec.force || before.state == "intended")) return;
  row_ = before;
  job_ = parse_json(row_.known, "the record of jobs");
  look_at_pod();
  job_["state"] = row_.state;
}

void TrackedJob::acquire(const JobSpec& spec) {
  if (!rows_) {
    throw Error(Code::precondition, "no machine is rented without a record of it",
                "the record is " + pods::Ledger::place().string());
  }
  const JobPod pod = desk_.renter->rent(spec, desk_.on_event);
  row_.pod_name = pod.name;
  row_.target = pod.target;
  row_.pod_done = false;
  save();
}

void TrackedJob::begin(const JobSpec& spec) {
  Json job = job_start(session(), spec, desk_.on_event);
  created_ = member(job, "created");
  notes_ = member(job, "notes");
  row_.offset = 0;
  if (flag_at(job, "created")) row_.started_at = utc_text(system_clock().now_ms());
  note(std::move(job));
}

void TrackedJob::open(const std::string& id, const std::string& target) {
  require_id("job", id);
  if (rows_) {
    if (auto row = rows_->find(id); row && (target.empty() || row->target == target)) {
      row_ = std::move(*row);
      job_ = parse_json(row_.known, "the record of jobs");
      for (const auto& name : member(job_, "secret_names")) secrets_.push_back(name);
      look_at_pod();
      job_["state"] = row_.state;
      if (!row_.target.empty()) return;
      throw Error(Code::not_found,
                  "job '" + id + "' was never begun: its client ended while a machine was rented",
                  "go on: the same workflow job-run --id " + id +
                      "\nwhat was rented: workflow pod-list --orphans");
    }
  }
  row_.job_id = id;
  row_.target = target.empty() ? desk_.settings.target() : target;
  if (!row_.target.empty()) return;
  throw Error(Code::not_found, "nothing is known here of a job '" + id + "'",
              "--target T says where it is; workflow job-list shows the jobs of this user");
}

void TrackedJob::refresh() {
  if (over()) return;
  note(job_status(session(), row_.job_id));
}

void TrackedJob::follow(std::optional<std::int64_t> offset,
                        std::optional<std::int64_t> limit_secs) {
  if (over()) {
    if (offset) (void)tell_kept(*offset);
    return require_known_end();
  }
  const bool new_one = created_.is_boolean() && created_.get<bool>();
  note(job_follow(
      session(),
      {.id = row_.job_id, .offset = offset, .limit_secs = limit_secs, .beginning = new_one},
      [this](const Json& event) { heard(event); }));
}

bool TrackedJob::tell_kept(std::int64_t offset) const {
  std::vector<std::string> values;
  for (const auto& name : job_settings(desk_.settings, row_.target, secrets_).names("WF_SECRETS")) {
    if (const char* value = std::getenv(name.c_str())) values.emplace_back(value);
  }
  return tell_kept_log(kept_dir(), id(), offset, Mask(values), desk_.on_event);
}

void TrackedJob::read_log(std::int64_t offset) {
  if (over()) {
    if (tell_kept(offset)) return;
    throw Error(Code::not_found,
                "the machine of job '" + id() + "' is no more, and its log with it",
                "what was fetched is where it was put");
  }
  (void)task_follow(session(), {.id = row_.job_id, .offset = offset, .wait = false},
                    [this](const Json& event) { heard(event); });
  refresh();
}

void TrackedJob::cancel() {
  row_.keep_alive = false;
  if (over()) return;
  (void)task_cancel(session(), row_.job_id);
  refresh();
}

}  // namespace workflow::client
