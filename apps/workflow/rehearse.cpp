// rehearse: the acceptance test of a target, a trial a line.
#include "client/rehearse.h"

#include "apps/workflow/command.h"
#include "common/text.h"

namespace workflow::app {
namespace {

Paint paint_of(const std::string& outcome) {
  if (outcome == "ok") return Paint::green;
  if (outcome == "fail") return Paint::red;
  return outcome == "skipped" ? Paint::dim : Paint::yellow;
}

void tell_trial(Output& out, const Json& trial) {
  const std::string outcome = text_at(trial, "outcome");
  out.line(padded(std::to_string(number_at(trial, "number")) + ".", 4) +
           padded(text_at(trial, "name"), 11) + out.paint(paint_of(outcome), padded(outcome, 8)) +
           text_at(trial, "text"));
  const std::string hint = text_at(trial, "hint");
  if (!hint.empty()) out.line(std::string(23, ' ') + hint);
}

client::RehearseRequest request_of(const Arguments& args) {
  client::RehearseRequest request;
  request.network = args.has("--network");
  request.resume = args.has("--resume-test");
  request.row = args.text("--row");
  request.only = args.comma_list("--only");
  request.trial_secs = args.seconds("--trial-limit");
  request.wait_secs = args.seconds("--wait");
  if (!request.row.empty() && !request.resume) {
    throw Error(Code::usage, "--row is of the resume test", "give --resume-test with it");
  }
  return request;
}

/// How it ended in all.
void conclude(Outcome& outcome) {
  std::string failed;
  std::size_t trials = 0;
  for (const auto& trial : member(outcome.data, "trials")) {
    ++trials;
    if (text_at(trial, "outcome") != "fail") continue;
    failed += (failed.empty() ? "" : ", ") + text_at(trial, "name");
  }
  const std::string task = text_at(outcome.data, "task_id");
  if (!failed.empty()) {
    outcome.code = Code::precondition;
    outcome.message = "not fit: " + failed;
    outcome.hint = "its log: workflow task-logs " + task;
  } else if (text_at(outcome.data, "state") != "success") {
    outcome.code = Code::work_failed;
    outcome.message = "the rehearsal " + text_at(outcome.data, "state") + " after " +
                      counted(static_cast<std::int64_t>(trials), "trial");
    outcome.hint = "its log: workflow task-logs " + task;
  }
}

}  // namespace

Outcome rehearse(Context& context) {
  Output& out = context.out();
  const auto request = request_of(context.args());
  std::string task;
  const auto on_event = [&](const Json& event) {
    out.event(event);
    const std::string kind = text_at(event, "event");
    if (kind == "trial") tell_trial(out, event);
    if (kind != "started") return;
    task = text_at(event, "task_id");
    if (!flag_at(event, "created", true)) out.note("a rehearsal is going already: " + task);
  };
  Outcome outcome;
  try {
    outcome.data = client::rehearse(context.session(), request, on_event);
  } catch (const Error& error) {
    if (error.code() != Code::detached) throw;
    throw Error(Code::detached, "detached; the rehearsal goes on as task " + task,
                "come back with the same command\nend it: workflow task-cancel " + task);
  }
  for (const auto& note : member(outcome.data, "notes")) out.warn(note.get<std::string>());
  conclude(outcome);
  return outcome;
}

}  // namespace workflow::app
