#include "apps/workflow/job_view.h"

#include "apps/workflow/push.h"
#include "apps/workflow/task_view.h"
#include "common/text.h"
#include "remote/protocol/message.h"

namespace workflow::app {
namespace {

/// One line for a step that begins, ends, or need not be run.
std::string step_line(const Json& step) {
  const std::string state = text_at(step, "state");
  const std::string line = "bootstrap " + std::to_string(number_at(step, "number")) + "/" +
                           std::to_string(number_at(step, "of")) + " " + text_at(step, "name") +
                           ": ";
  if (state == "running") return line + text_at(step, "run");
  if (state == "skipped") return line + "unchanged, skipped";
  const Json& took = member(step, "duration_secs");
  const double secs = took.is_number() ? took.get<double>() : 0;
  return line + (state == "success" ? "done" : state) + " after " +
         human_duration(static_cast<std::int64_t>(secs));
}

void tell_rest(Output& out, const Json& event) {
  const std::string kind = text_at(event, "event");
  if (kind == "pushed") {
    for (const auto& text : member(event, "remarks")) out.warn(text.get<std::string>());
    out.note(push_summary(event));
  }
  const auto bytes = [&](const char* key) {
    return human_bytes(static_cast<double>(number_at(event, key)));
  };
  if (kind == "progress") out.status("fetched " + bytes("bytes") + " of " + bytes("all_bytes"));
  if (kind == "downloaded") {
    out.status("");
    out.note("fetched " + text_at(event, "remote") + " to " + text_at(event, "local") + ": " +
             counted(number_at(event, "files"), "file") + ", " + bytes("bytes"));
    for (const auto& text : member(event, "left_out")) {
      out.warn("not fetched: " + text.get<std::string>());
    }
  }
  if (kind == "log_hole") {
    const auto hole = number_at(event, "to") - number_at(event, "from");
    out.note("… " + human_bytes(static_cast<double>(hole)) +
             " left out here: the log grew beyond LOG_MAX_SIZE …");
  }
}

}  // namespace

client::OnEvent job_printer(Output& out) {
  return [&out](const Json& event) {
    out.event(event);
    const std::string kind = text_at(event, "event");
    if (kind == "log") return out.bytes(protocol::log_bytes(event));
    if (kind == "step_log") return out.error_bytes(protocol::log_bytes(event));
    if (kind == "step") return out.note(step_line(event));
    tell_rest(out, event);
  };
}

Outcome ended_job(const Context& context, const client::TrackedJob& job) {
  Outcome outcome{job.data()};
  const std::string state = job.row().state;
  const bool ended_well = state == "success";
  if (!ended_well) {
    outcome.code = Code::work_failed;
    if (context.args().wants_remote_code()) outcome.exit_code = client::remote_exit_code(job.job());
    const std::string failure = text_at(member(member(job.job(), "job"), "failure"), "message");
    outcome.message =
        "'" + job.id() + "' " + (failure.empty() ? ending(outcome.data) : state + ": " + failure);
    outcome.hint = "its log: workflow job-logs " + job.id();
  } else if (job.fetch_fault()) {
    outcome.code = job.fetch_fault()->code();
    outcome.message = "'" + job.id() +
                      "' ended well, but not all of it was fetched: " + job.fetch_fault()->what();
    outcome.hint = "try again: workflow job-download " + job.id();
  } else if (job.return_fault()) {
    outcome.code = job.return_fault()->code();
    outcome.message = "'" + job.id() + "' ended well, but its machine was not given back: " +
                      job.return_fault()->what();
    outcome.hint = "try again: workflow job-terminate " + job.id();
  }
  return outcome;
}

Error detached_from(const client::TrackedJob& job) {
  std::string what = "detached; ";
  if (job.ended()) {
    what += "job '" + job.id() + "' has ended, and something is still to be done";
  } else {
    what +=
        "job '" + job.id() + (job.row().state == "intended" ? "' was not begun yet" : "' goes on");
  }
  if (const auto costs = job.still_costs(); !costs.empty()) what += "; " + costs;
  return {Code::detached, what,
          "come back: workflow job-logs -f " + job.id() + ", or workflow job-wait " + job.id() +
              "\nend it: workflow job-terminate " + job.id()};
}

void show_where(Output& out, const client::TrackedJob& job) {
  std::string line = job.id() + " · " + job.row().target;
  if (const std::string log = text_at(job.job(), "stdout_log"); !log.empty()) line += " · " + log;
  if (const std::string to = text_at(job.job(), "attach"); !to.empty()) line += " · " + to;
  out.note(line);
  out.note("reattach: workflow attach " + job.id());
}

void show_jobs(Output& out, const Json& jobs) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& job : jobs) {
    const Json& code = member(job, "exit_code");
    std::string exit = code.is_number() ? code.dump() : text_at(job, "signal", "–");
    rows.push_back({text_at(job, "job_id"), text_at(job, "state"), text_at(job, "target"),
                    out.time(text_at(job, "started_at", "–")),
                    out.time(text_at(job, "ended_at", "–")), std::move(exit),
                    text_at(job, "note")});
  }
  if (rows.empty()) return out.line("no jobs");
  out.rows({"job", "state", "target", "started", "ended", "exit", ""}, std::move(rows));
}

}  // namespace workflow::app
