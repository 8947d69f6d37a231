#include "client/kept_job.h"
#include "client/tracked_job.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

// How a tracked job ends here: its downloads, its machine, what is told of it.
namespace workflow::client {
namespace {

std::string key_of(const pods::JobDownloadRow& row) { return row.remote + ":" + row.local; }

}  // namespace

void TrackedJob::fetch() {
  fetch_fault_.reset();
  for (auto& row : row_.downloads) {
    if (row.done) continue;
    desk_.on_event({{"event", "download"}, {"remote", row.remote}, {"local", row.local}});
    try {
      if (over()) throw Error(Code::not_found, "its machine is no more");
      fetched_[key_of(row)] =
          job_download(session(), job_, {row.remote, row.local}, desk_.on_event);
      row.done = true;
      save();
      Json told = fetched_[key_of(row)];
      told.update({{"event", "downloaded"}, {"remote", row.remote}, {"local", row.local}});
      desk_.on_event(told);
    } catch (const Error& fault) {
      if (fault.code() == Code::detached) throw;
      fetched_[key_of(row)] = {{"error", fault.what()}};
      remark("'" + row.remote + "' was not fetched: " + fault.what());
      // What is proven absent comes last: it cannot be fetched later either.
      if (!fetch_fault_ || fetch_fault_->code() == Code::not_found) fetch_fault_ = fault;
    }
  }
}

Json TrackedJob::fetch(const JobDownload& wanted) {
  try {
    return job_download(session(), job_, wanted, desk_.on_event);
  } catch (const Error& fault) {
    fetch_fault_ = fault;
    throw;
  }
}

std::optional<JobPod> TrackedJob::pod() const {
  if (row_.pod_name.empty()) return std::nullopt;
  return desk_.renter->look(row_.pod_name);
}

bool TrackedJob::over() const { return row_.pod_done; }

void TrackedJob::look_at_pod() {
  const auto rented = pod();
  if (!rented || !rented->ended || row_.pod_done) return;
  row_.pod_done = true;
  if (!row_.ended()) row_.state = "unknown";
  save();
}

void TrackedJob::require_known_end() const {
  if (row_.ended()) return;
  throw Error(Code::unreachable,
              "the machine of job '" + id() + "' has been given back or has ended; last known " +
                  (row_.state_at.empty() ? "nothing" : "at " + row_.state_at),
              "what it cost: workflow cost");
}

std::string TrackedJob::still_costs() const {
  const auto rented = pod();
  if (!rented || rented->ended || row_.pod_done) return {};
  std::string text = "'" + rented->name + "' costs " + usd(rented->price_hr) + "/h, " +
                     usd(rented->cost) + " so far";
  text += rented->ends_at.empty() ? "; nothing ends it by itself"
                                  : "; it ends by itself at " + rented->ends_at;
  return text;
}

fs::path TrackedJob::kept_dir() const { return kept_job_dir(id()); }

/// Its log goes with its machine: here first.
void TrackedJob::keep_records() {
  if (row_.target.empty()) return;
  try {
    keep_job(session(), text_at(job_, "task_dir"), kept_dir());
  } catch (const Error& fault) {
    if (fault.code() == Code::detached) throw;
    remark("its log was not fetched: " + std::string(fault.what()));
    if (!fetch_fault_) fetch_fault_ = fault;
  } catch (const fs::filesystem_error& fault) {
    remark("its log was not fetched: " + std::string(fault.what()));
    if (!fetch_fault_) fetch_fault_ = Error(Code::precondition, fault.what());
  }
}

bool TrackedJob::give_back(GiveBack when) {
  if (row_.pod_name.empty() || row_.pod_done) return true;
  if (row_.keep_alive) {
    remark("kept alive: " + still_costs() + "\n  give it back: workflow job-terminate " + id());
    return true;
  }
  keep_records();
  const bool never_made = fetch_fault_ && fetch_fault_->code() == Code::not_found && row_.ended() &&
                          row_.state != "success";
  if (fetch_fault_ && !never_made && when != GiveBack::always) {
    remark("not given back, because a download is missing: " + still_costs() +
           "\n  try again: workflow job-download " + id() +
           "\n  give it up: workflow job-terminate --give-back=always " + id());
    return false;
  }
  try {
    desk_.renter->give_back(row_.pod_name, desk_.on_event);
  } catch (const Error& fault) {
    if (fault.code() == Code::detached) throw;
    return_fault_ = fault;
    remark("not given back: " + std::string(fault.what()) + "\n  " + still_costs() +
           "\n  try again: workflow job-terminate " + id());
    return false;
  }
  return_fault_.reset();
  row_.pod_done = true;
  if (!row_.ended()) row_.state = "unknown";
  save();
  return true;
}

Json TrackedJob::data() const {
  Json downloads = Json::array();
  for (const auto& row : row_.downloads) {
    Json item = {{"remote", row.remote}, {"local", row.local}, {"done", row.done}};
    if (fetched_.contains(key_of(row))) item.update(fetched_.at(key_of(row)));
    downloads.push_back(std::move(item));
  }
  Json data = {
      {"job_id", row_.job_id},
      {"target", row_.target},
      {"pod", nullptr},
      {"state", row_.state},
      {"observed_at", row_.state_at},
      {"workspace", row_.workspace},
      {"log", over() ? Json((kept_dir() / "stdout.log").string()) : member(job_, "stdout_log")},
      {"downloads", std::move(downloads)},
      {"cost", nullptr},
      {"notes", notes_}};
  for (const char* key : {"exit_code", "signal", "signal_number", "started_at", "ended_at",
                          "reason", "tmux_session", "attach", "task_dir"}) {
    data[key] = member(job_, key);
  }
  if (!created_.is_null()) data["created"] = created_;
  const Json& begun = member(job_, "job");
  for (const char* key : {"phase", "steps", "tree", "git_sha"}) data[key] = member(begun, key);
  if (const auto rented = pod()) {
    data["pod"] = {{"provider", rented->provider}, {"id", rented->id},
                   {"name", rented->name},         {"rented", true},
                   {"given_back", row_.pod_done},  {"ends_at", rented->ends_at}};
    data["cost"] = {{"usd", rented->cost}, {"usd_per_hr", rented->price_hr}};
  } else if (const auto colon = row_.target.find(':');
             colon != std::string::npos && !row_.target.starts_with("ssh:")) {
    data["pod"] = {{"provider", row_.target.substr(0, colon)},
                   {"id", row_.target.substr(colon + 1)},
                   {"rented", false}};
  }
  return data;
}

}  // namespace workflow::client
