#include "client/job_survey.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "client/jobs.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/pipe.h"
#include "common/text.h"

namespace workflow::client {
namespace {

/// What one target answered: its jobs by id, or why it did not.
struct Answer {
  std::string target;
  std::map<std::string, Json> jobs{};
  std::string trouble{};
};

/// Asks one target; ends when `stop_fd` becomes readable.
void ask(Answer& answer, const Settings& settings, int stop_fd) {
  try {
    Session session(job_settings(settings, answer.target), stop_fd);
    for (const auto& job : member(job_list(session), "jobs")) {
      answer.jobs[text_at(job, "task_id")] = job;
    }
  } catch (const Error& fault) {
    answer.trouble = fault.code() == Code::detached ? "does not answer in time" : fault.what();
  } catch (const std::exception& fault) {  // of a thread: nobody else would hear of it
    answer.trouble = fault.what();
  }
}

/// All at once; who has not answered at the deadline is given up.
std::vector<Answer> ask_all(const std::vector<std::string>& targets, const Settings& settings,
                            int interrupt_fd, std::int64_t limit_ms) {
  std::vector<Answer> answers(targets.size());
  const Pipe stop = make_pipe();
  Pipe done = make_pipe();
  const Settings without_secrets = settings.with("WF_SECRETS", "");
  bool interrupted = false;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      answers[i].target = targets[i];
      threads.emplace_back([&, i] {
        ask(answers[i], without_secrets, stop.read.get());
        (void)!::write(done.write.get(), "d", 1);
      });
    }
    const std::int64_t until = system_clock().steady_ms() + limit_ms;
    for (std::size_t heard = 0; heard < targets.size();) {
      const std::int64_t left = until - system_clock().steady_ms();
      pollfd fds[] = {{done.read.get(), POLLIN, 0}, {interrupt_fd, POLLIN, 0}};
      const int ready = left <= 0 ? 0 : ::poll(fds, 2, static_cast<int>(left));
      if (ready < 0 && errno == EINTR) continue;
      interrupted = ready > 0 && fds[1].revents != 0;
      if (ready <= 0 || interrupted) break;
      char byte = 0;
      if (::read(done.read.get(), &byte, 1) == 1) heard += 1;
    }
    (void)!::write(stop.write.get(), "s", 1);  // nobody reads it: it stays readable for all
  }
  if (interrupted) throw Error(Code::detached, "detached");
  return answers;
}

Json listed(const pods::JobRow& row) {
  Json out = parse_json(row.known, "the record of jobs");
  out["job_id"] = row.job_id;
  out["target"] = row.target;
  out["state"] = row.state;
  out["observed_at"] = row.state_at;
  out["rented"] = !row.pod_name.empty();
  out["pod"] = row.pod_name.empty() ? Json() : Json(row.pod_name);
  out["log"] = member(out, "stdout_log");
  out["downloads"] = Json::array();
  for (const auto& wanted : row.downloads) {
    out["downloads"].push_back(
        {{"remote", wanted.remote}, {"local", wanted.local}, {"done", wanted.done}});
  }
  out["certainty"] = row.ended() ? "proven" : "stale";
  out["note"] = row.pod_name.empty() || row.pod_done ? "" : "rented " + row.pod_name;
  out.erase("workspace_base64");
  return out;
}

Json heard_of(const std::string& target, const Json& job) {
  Json out = Json::object();
  for (const char* key : {"state", "exit_code", "signal", "started_at", "ended_at", "reason",
                          "tmux_session", "attach", "task_dir", "certainty"}) {
    out[key] = member(job, key);
  }
  out["job_id"] = member(job, "task_id");
  out["target"] = target;
  out["log"] = member(job, "stdout_log");
  out["phase"] = member(member(job, "job"), "phase");
  out["observed_at"] = utc_text(system_clock().now_ms());
  return out;
}

std::string age(const std::string& utc) {
  const auto then = parse_utc(utc);
  return then ? human_duration((system_clock().now_ms() - *then) / 1000) + " ago" : "never";
}

/// A job of a target that does not answer: unknown, with what was known.
void mark_unknown(Json& job, const std::string& trouble) {
  if (text_at(job, "certainty") == "proven") return;
  job["last_known"] = {{"state", member(job, "state")}, {"at", member(job, "observed_at")}};
  job["note"] = "last known " + age(text_at(job, "observed_at")) + ": " + text_at(job, "state") +
                " (" + trouble + ")";
  job["state"] = "unknown";
  job["certainty"] = "unknown";
}

void note_heard(pods::JobRows& rows, pods::JobRow row, const Json& job) {
  if (row.state == text_at(job, "state")) return;
  Json known = parse_json(row.known, "the record of jobs");
  for (const char* key : {"exit_code", "signal", "started_at", "ended_at", "reason"}) {
    known[key] = member(job, key);
  }
  row.known = dump_json(known);
  row.state = text_at(job, "state");
  row.state_at = utc_text(system_clock().now_ms());
  rows.save(row);
}

std::vector<std::string> targets_of(const std::vector<pods::JobRow>& rows,
                                    const SurveyRequest& request, const std::string& own) {
  if (!request.target.empty()) return {request.target};
  if (rows.empty() && !own.empty()) return {own};  // another machine of the same user, perhaps
  std::vector<std::string> targets;
  for (const auto& row : rows) {
    const bool gone = row.target.empty() || (!row.pod_name.empty() && row.pod_done);
    if (gone || (!request.all && row.ended())) continue;
    if (std::find(targets.begin(), targets.end(), row.target) == targets.end()) {
      targets.push_back(row.target);
    }
  }
  return targets;
}

}  // namespace

Json survey_jobs(const Settings& settings, int interrupt_fd, const SurveyRequest& request) {
  pods::JobRows record(pods::Ledger::place());
  const auto rows = record.all();
  const auto answers = ask_all(targets_of(rows, request, settings.target()), settings, interrupt_fd,
                               request.limit_ms);
  Json jobs = Json::array();
  std::map<std::string, bool> told;  // job id and target
  for (const auto& row : rows) {
    if (!request.target.empty() && row.target != request.target) continue;
    Json job = listed(row);
    for (const auto& answer : answers) {
      if (answer.target != row.target) continue;
      if (!answer.trouble.empty()) mark_unknown(job, answer.trouble);
      const auto heard = answer.jobs.find(row.job_id);
      if (heard == answer.jobs.end()) continue;
      job.update(heard_of(row.target, heard->second));
      note_heard(record, row, heard->second);
    }
    told[row.job_id + "\n" + row.target] = true;
    jobs.push_back(std::move(job));
  }
  Json unasked = Json::array();
  for (const auto& answer : answers) {
    if (!answer.trouble.empty()) {
      unasked.push_back({{"target", answer.target}, {"reason", answer.trouble}});
    }
    for (const auto& [id, job] : answer.jobs) {
      if (!told.contains(id + "\n" + answer.target)) jobs.push_back(heard_of(answer.target, job));
    }
  }
  std::stable_sort(jobs.begin(), jobs.end(), [](const Json& a, const Json& b) {
    return text_at(a, "started_at") > text_at(b, "started_at");
  });
  return {{"jobs", std::move(jobs)}, {"unreachable", std::move(unasked)}};
}

}  // namespace workflow::client
