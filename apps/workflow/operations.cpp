// run-stop, run-resume, run-clone, run-delete, sweep-apply, sweep-ops.
#include "client/operations.h"

#include "apps/workflow/command.h"
#include "common/text.h"

namespace workflow::app {
namespace {

using client::OperationRequest;

const Flag no_wait{"--no-wait", "", "return as soon as it is asked for"};
const Flag grace{"--grace", "SECS", "between TERM and KILL", "RUN_STOP_GRACE_SECS"};
const Positional run{"run", "the run"};

/// Ctrl-C leaves the operation to the target.
Json ask_for(Context& context, OperationRequest request) {
  if (context.args().has("--no-wait")) request.wait_ms = 0;
  std::string asked;
  try {
    return client::operate(context.session(), request, [&](const Json& event) {
      context.out().event(event);
      if (text_at(event, "event") == "operation") asked = std::to_string(number_at(event, "id"));
    });
  } catch (const Error& error) {
    if (error.code() != Code::detached || asked.empty()) throw;
    throw Error(Code::detached, "detached; operation " + asked + " goes on",
                "how it ends: workflow sweep-ops " + asked);
  }
}

/// Its true outcome is the command's: what was not done is not called done.
Outcome outcome_of(Context& context, Json data, const std::string& done) {
  Output& out = context.out();
  for (const auto& note : member(data, "notes")) out.warn(note.get<std::string>());
  const std::string state = text_at(data, "state");
  const std::string op = "operation " + std::to_string(number_at(data, "id"));
  const std::string reason = text_at(data, "reason");
  Outcome outcome{std::move(data)};
  if (state == "completed") {
    out.line(padded(done, 42) + " " + op + " completed");
    if (!reason.empty()) out.note(reason);
  } else if (state == "pending" || state == "processing") {
    out.line(op + " is " + state);
    out.note("how it ends: workflow sweep-ops " + std::to_string(number_at(outcome.data, "id")));
  } else if (state == "superseded" || flag_at(member(outcome.data, "result"), "done_already")) {
    out.line(padded(text_at(outcome.data, "run_id") + ": " + reason, 42) + " " + op + " " + state);
  } else {
    outcome.code = state == "failed" ? Code::work_failed : Code::precondition;
    outcome.message = op + " " + state + ": " + reason;
  }
  return outcome;
}

/// What a stopped run can go on from.
void tell_checkpoint(Context& context, const Json& result, const std::string& what) {
  if (!result.contains("resumable") || member(result, "resumable").is_null()) return;
  const Json& checkpoint = member(result, "checkpoint");
  if (checkpoint.is_object()) {
    context.out().note(what + " from checkpoint " + text_at(checkpoint, "path") + ", saved " +
                       context.out().time(text_at(checkpoint, "saved_at")));
  } else {
    context.out().note(what + " from the beginning: " + text_at(result, "resumable_reason"));
  }
}

Outcome run_stop(Context& context) {
  const std::string id = context.args().positional("run");
  if (context.globals().dry_run) {
    context.out().line("would end '" + id + "' if it waits or goes");
    return {};
  }
  const OperationRequest request{.command = fsm::Event::run_stop, .run_id = id};
  Outcome outcome = outcome_of(context, ask_for(context, request), id + " stopped");
  tell_checkpoint(context, member(outcome.data, "result"), "run-resume goes on");
  return outcome;
}

Outcome run_resume(Context& context) {
  const std::string id = context.args().positional("run");
  if (context.globals().dry_run) {
    context.out().line("would let '" + id + "' wait for its turn again");
    return {};
  }
  const OperationRequest request{.command = fsm::Event::run_resume, .run_id = id};
  Outcome outcome = outcome_of(context, ask_for(context, request), id + " waits for its turn");
  tell_checkpoint(context, member(outcome.data, "result"), "it goes on");
  return outcome;
}

Outcome run_clone(Context& context) {
  OperationRequest request{.command = fsm::Event::run_clone,
                           .run_id = context.args().positional("run")};
  request.clone_id = context.args().text("--name");
  request.set = context.args().list("--set");
  request.warm_start = context.args().has("--warm-start");
  if (context.globals().dry_run) {
    context.out().line("would add a row like '" + request.run_id + "'" +
                       (request.set.empty() ? "" : " with " + join(request.set, ", ")));
    return {};
  }
  Json data = ask_for(context, request);
  const std::string id = text_at(member(data, "result"), "run_id");
  return outcome_of(context, std::move(data), id + " waits for its turn");
}

Outcome run_delete(Context& context) {
  const std::string id = context.args().positional("run");
  if (context.globals().dry_run) {
    context.out().line("would end '" + id + "' if it goes, and move all of it to _trash");
    return {};
  }
  context.confirm("run-delete ends '" + id + "' if it goes, and takes it out of the sweep");
  const OperationRequest request{.command = fsm::Event::run_delete, .run_id = id};
  return outcome_of(context, ask_for(context, request), id + " deleted");
}

void show_plan(Context& context, const Json& plan) {
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : member(plan, "rows")) {
    cells.push_back({text_at(row, "run_id"), text_at(row, "change"), text_at(row, "state"),
                     text_at(row, "note")});
  }
  if (!cells.empty()) context.out().rows({"run", "change", "state", ""}, std::move(cells));
  context.out().line(counted(number_at(plan, "unchanged"), "row") + " unchanged");
}

Outcome sweep_apply(Context& context) {
  OperationRequest request{.command = fsm::Event::sweep_apply};
  request.manifest = context.args().positional("manifest");
  request.force = context.args().has("--force");
  Outcome outcome{client::apply_plan(context.session(), request)};
  const Json& plan = outcome.data;
  if (!flag_at(plan, "legal")) {
    if (!context.globals().dry_run) return {ask_for(context, request)};  // which is refused
    outcome.code = Code::illegal_state;
    outcome.message = text_at(plan, "refusal");
    outcome.hint = text_at(plan, "hint");
    return outcome;
  }
  show_plan(context, plan);
  if (number_at(plan, "conflicts") > 0) {
    outcome.code = Code::exists;
    outcome.message =
        counted(number_at(plan, "conflicts"), "row") + " cannot be changed so; nothing was done";
    outcome.hint = "give them new ids, or --force ends what is going and moves old runs to _bak";
    return outcome;
  }
  if (!flag_at(plan, "changes")) {
    context.out().note("there is nothing to do");
    return outcome;
  }
  if (context.globals().dry_run) return outcome;
  if (flag_at(plan, "takes_away")) {
    context.confirm("sweep-apply ends or puts aside what the plan says");
  }
  Json data = ask_for(context, request);
  data["plan"] = member(plan, "rows");
  return outcome_of(context, std::move(data), "the sweep has these rows now");
}

Outcome sweep_ops(Context& context) {
  std::optional<std::int64_t> id;
  if (context.args().has_positional("id")) {
    id = parse_integer(context.args().positional("id"));
    if (!id) {
      throw Error(Code::usage,
                  "'" + context.args().positional("id") + "' is no operation's number");
    }
  }
  Outcome outcome{client::operations(context.session(), context.args().text("--campaign"), id)};
  std::vector<std::vector<std::string>> cells;
  for (const auto& op : member(outcome.data, "operations")) {
    cells.push_back({std::to_string(number_at(op, "id")), text_at(op, "kind"),
                     text_at(op, "run_id"), text_at(op, "state"),
                     context.out().time(text_at(op, "created_at")), text_at(op, "by"),
                     text_at(op, "reason")});
  }
  if (cells.empty()) {
    context.out().line("campaign " + text_at(outcome.data, "campaign") +
                       ": nothing was asked of it");
  } else {
    context.out().rows({"op", "what", "run", "state", "asked", "by", "why"}, std::move(cells),
                       {true});
  }
  return outcome;
}

}  // namespace

const Family& operations_family() {
  static const Family family{
      "rows of a sweep that is going",
      {{"run-stop",
        "end one run; it can go on from its checkpoint",
        {run},
        {grace, no_wait},
        run_stop,
        Dry::says,
        false,
        "workflow run-stop lr3-s1 --grace 5m"},
       {"run-resume",
        "let a run that has not ended well go on",
        {run},
        {no_wait},
        run_resume,
        Dry::says},
       {"run-clone",
        "add a row like another one",
        {run},
        {{.name = "--set",
          .value = "KEY=VALUE",
          .help = "another value: an override, or config, seed, gpus, timeout_secs, max_retries, "
                  "notes, env.NAME",
          .many = true},
         {"--name", "ID", "its name; RUN-c2 without it"},
         {"--warm-start", "", "let it begin from the run's checkpoint (WF_WARM_START_FROM)"},
         no_wait},
        run_clone,
        Dry::says,
        false,
        "workflow run-clone wide-s0 --set batch_size=48"},
       {"run-delete",
        "end a run and move all of it to the trash",
        {run},
        {grace, no_wait},
        run_delete,
        Dry::says},
       {"sweep-apply",
        "make another manifest the one of the sweep; the plan is shown first",
        {{"manifest", "the file"}},
        {{"--force", "", "end what is going and move what has ended to _bak, where it differs"},
         no_wait},
        sweep_apply,
        Dry::says,
        false,
        "workflow sweep-apply more.csv"},
       {"sweep-ops",
        "what was asked of the sweep, and what became of it",
        {{"id", "one of them", false}},
        {{"--campaign", "ID", "an earlier sweep"}},
        sweep_ops,
        Dry::reads}}};
  return family;
}

}  // namespace workflow::app
