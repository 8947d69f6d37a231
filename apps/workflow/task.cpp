// task-run, task-status, task-wait, task-list, task-logs, task-cancel.
#include "apps/workflow/hand.h"
#include "apps/workflow/task_view.h"
#include "client/jobs.h"
#include "common/text.h"
#include "remote/protocol/message.h"

namespace workflow::app {
namespace {

/// The exit code for an ended task: ours, or with --exit-code=remote its own.
Outcome ended(Context& context, Json data) {
  const std::string state = text_at(data, "state");
  Outcome outcome{std::move(data)};
  if (state == "success") return outcome;
  outcome.code = Code::work_failed;
  if (context.args().wants_remote_code()) {
    outcome.exit_code = client::remote_exit_code(outcome.data);
  }
  outcome.message = "'" + text_at(outcome.data, "task_id") + "' " + ending(outcome.data);
  outcome.hint = "its log: workflow task-logs " + text_at(outcome.data, "task_id");
  return outcome;
}

client::OnEvent log_printer(Output& out) {
  return [&out](const Json& event) {
    out.event(event);
    const std::string kind = text_at(event, "event");
    if (kind == "log") out.bytes(protocol::log_bytes(event));
    if (kind == "log_hole") {
      const auto bytes = number_at(event, "to") - number_at(event, "from");
      out.note("… " + human_bytes(static_cast<double>(bytes)) +
               " left out here: the log grew beyond LOG_MAX_SIZE …");
    }
  };
}

Error detached_from(const Context& context, const std::string& id) {
  if (context.args().has_positional("run")) {
    return Error(Code::detached, "detached; '" + id + "' goes on",
                 "come back: workflow run-logs -f " + id);
  }
  return Error(Code::detached, "detached; '" + id + "' goes on",
               "come back: workflow task-logs -f " + id + "\nend it: workflow task-cancel " + id);
}

Json follow(Context& context, const client::FollowRequest& request) {
  try {
    return client::task_follow(context.session(), request, log_printer(context.out()));
  } catch (const Error& error) {
    if (error.code() != Code::detached) throw;
    throw detached_from(context, request.id);
  }
}

client::TaskRequest request_from(Context& context) {
  const Arguments& args = context.args();
  client::TaskRequest request;
  request.id = args.text("--id");
  request.cmd = args.text("--cmd");
  request.argv = args.rest;
  request.workdir = args.text("--workdir");
  request.env = args.list("--env");
  request.gpus = args.text("--gpus");
  request.timeout_secs = args.seconds("--timeout-secs");
  request.tmux_session = args.text("--tmux-session");
  request.force = args.has("--force");
  if (args.has("--id") && request.id.empty()) throw Error(Code::usage, "--id is empty");
  if (args.has("--gpus") && request.gpus.empty()) throw Error(Code::usage, "--gpus is empty");
  args.require_command();
  return request;
}

Outcome task_run(Context& context) {
  (void)context.args().wants_remote_code();
  const client::TaskRequest request = request_from(context);
  Output& out = context.out();
  if (context.globals().dry_run) {
    out.line("would run as a task: " +
             (request.argv.empty() ? request.cmd : join(request.argv, " ")));
    return {};
  }
  Json data = client::task_run(context.session(), request);
  for (const auto& note : member(data, "notes")) out.warn(note.get<std::string>());
  const std::string id = text_at(data, "task_id");
  const std::string attach = text_at(data, "attach");
  if (!flag_at(data, "created", true))
    out.note("task '" + id + "' is there already with this command; nothing was started");
  if (context.args().has("--wait")) {
    out.note(id + " · " + text_at(data, "task_dir") + (attach.empty() ? "" : " · " + attach));
    Json last = follow(context, {.id = id, .offset = 0});
    const std::string dir = text_at(data, "task_dir");
    last["created"] = member(data, "created");
    last["task_dir"] = dir;
    Outcome outcome = ended(context, std::move(last));
    if (outcome.code == Code::ok) out.note(ending(outcome.data) + " · " + dir);
    return outcome;
  }
  const bool never_ran = text_at(data, "state") == "failed" &&
                         member(data, "exit_code").is_null() && member(data, "signal").is_null();
  if (never_ran && flag_at(data, "created")) return ended(context, std::move(data));
  out.line(id + "   " + text_at(data, "state"));
  out.note("follow it: workflow task-logs -f " + id);
  if (!attach.empty()) out.note("on the target: " + attach);
  return {std::move(data)};
}

Outcome task_status(Context& context) {
  const std::string id = context.args().id("--id", "id");
  Json data =
      client::task_status(context.session(), id, context.args().count("--tail-lines").value_or(20));
  show_task(context.out(), id, data);
  return {std::move(data)};
}

Outcome task_wait(Context& context) {
  (void)context.args().wants_remote_code();
  const std::string id = context.args().id("--id", "id");
  Json data = follow(context, {.id = id, .limit_secs = context.args().seconds("--timeout-secs")});
  Outcome outcome = ended(context, std::move(data));
  if (outcome.code == Code::ok) context.out().line(id + "   " + ending(outcome.data));
  return outcome;
}

Outcome task_list(Context& context) {
  Outcome outcome{client::task_list(context.session())};
  show_tasks(context.out(), member(outcome.data, "tasks"));
  return outcome;
}

Outcome logs_of(Context& context, const std::string& id) {
  client::FollowRequest request;
  request.id = id;
  request.wait = context.args().has("--follow");
  request.offset = context.args().count("--offset").value_or(0);
  request.tail_lines = context.args().count("--tail");
  Json data = follow(context, request);
  if (request.wait) context.out().note("'" + id + "' " + ending(data));
  return {std::move(data)};
}

Outcome task_logs(Context& context) { return logs_of(context, context.args().id("--id", "id")); }
Outcome run_logs(Context& context) { return logs_of(context, context.args().positional("run")); }

Outcome task_cancel(Context& context) {
  const std::string id = context.args().id("--id", "id");
  Json data = client::task_cancel(context.session(), id);
  Outcome outcome{std::move(data)};
  const std::string state = text_at(outcome.data, "state");
  if (flag_at(outcome.data, "had_ended")) {
    context.out().line(id + "   had ended before: " + ending(outcome.data));
  } else if (text_at(outcome.data, "ended_at").empty()) {
    outcome.code = Code::work_failed;
    outcome.message = "'" + id + "' does not end; it is still " + state;
  } else {
    context.out().line(id + "   " + ending(outcome.data));
  }
  return outcome;
}

const Flag id_flag{"--id", "ID", "the task"};
const Positional id_place{"id", "the task", false};
const Flag exit_code_flag{"--exit-code", "WHOSE",
                          "remote: the task's own code, 128+signal, 124, or 4 for lost"};
const Flag follow_flag{"--follow,-f", "", "go on until it ends"};
const Flag tail_flag{"--tail", "N", "begin N lines before the end"};
const Flag offset_flag{"--offset", "BYTE", "begin at this byte"};

}  // namespace

const Family& task_family() {
  static const Family family{
      "tasks",
      {{"task-run",
        "run a command as a tracked task",
        {},
        {{"--id", "ID", "its name; generated without one"},
         {"--cmd", "TEXT", "what bash runs"},
         {"--workdir", "DIR", "where it runs; by itself in the working copy, if there is one"},
         {"--timeout-secs", "T", "ends it after so long; 0: never", "TASK_TIMEOUT_SECS"},
         {"--env", "K=V", "a variable for it", {}, true},
         {"--gpus", "N",
          "GPUs held for it: N, 1/2 of one, or all; refused (5) while others have them"},
         {"--tmux-session", "S", "session of its window", "WF_TMUX_SESSION"},
         {"--force", "", "end a task of this id and move it to _bak"},
         {"--wait", "", "follow it and end as it ends"},
         exit_code_flag},
        task_run,
        Dry::says,
        true,
        "workflow task-run --wait -- python probe.py --deep"},
       {"task-status",
        "how a task is, and the end of its log",
        {id_place},
        {id_flag, {"--tail-lines", "N", "lines of the log; 20"}},
        task_status,
        Dry::reads},
       {"task-wait",
        "wait until a task has ended",
        {id_place},
        {id_flag, {"--timeout-secs", "T", "wait no longer (exit 124)"}, exit_code_flag},
        task_wait,
        Dry::reads},
       {"task-list", "every task of this target", {}, {}, task_list, Dry::reads},
       {"task-logs",
        "a task's output, byte for byte",
        {id_place},
        {id_flag, follow_flag, tail_flag, offset_flag},
        task_logs,
        Dry::reads,
        false,
        "workflow task-logs -f checkout-3"},
       {"task-cancel",
        "end a task: TERM, a grace period, KILL",
        {id_place},
        {id_flag},
        task_cancel},
       {"run-logs",
        "a run's output, byte for byte",
        {{"run", "the run"}},
        {follow_flag, tail_flag, offset_flag},
        run_logs,
        Dry::reads},
       {"attach",
        "the tmux window of a task or job, opened again if it is gone",
        {{"id", "the task or job"}},
        {},
        attach}}};
  return family;
}

}  // namespace workflow::app
