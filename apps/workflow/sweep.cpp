// sweep-csv-template, sweep-check, sweep-start, sweep-status, sweep-stop.
#include "apps/workflow/sweep_view.h"

#include "apps/workflow/command.h"
#include "apps/workflow/row_flags.h"
#include "apps/workflow/watch.h"
#include "apps/workflow/why.h"
#include "common/files.h"
#include "common/text.h"
#include "sweep/manifest.h"

namespace workflow::app {
namespace {

const std::vector<Flag> selection_flags{
    {"--csv", "FILE", "the manifest", "SWEEP_CSV"},
    {"--match", "TEXT", "only rows whose run_id has this, or matches /regex/", "SWEEP_MATCH"},
    {"--start-at", "RUN", "begin with this row", "SWEEP_START_AT"},
    {"--limit", "N", "at most so many rows", "SWEEP_LIMIT"},
    only_flag};

std::vector<Flag> with_selection(std::vector<Flag> more) {
  std::vector<Flag> flags = selection_flags;
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

Outcome sweep_csv_template(Context& context) {
  const fs::path path = context.settings().path_here("SWEEP_CSV");
  const std::string text = sweep::manifest_template();
  if (fs::exists(path)) {
    throw Error(Code::exists, "'" + path.string() + "' is there already; it was left as it is",
                "another name: workflow sweep-csv-template --csv FILE");
  }
  if (context.globals().dry_run) {
    context.out().bytes(text);
    return {};
  }
  real_files().write(path, text);
  context.out().line("wrote " + path.string());
  context.out().note("edit it, then: workflow sweep-check");
  return {{{"path", path.string()}}};
}

Outcome sweep_check(Context& context) {
  Outcome outcome{client::sweep_check(context.settings(), context.args().comma_list("--only"))};
  const auto rows = number_at(outcome.data, "rows");
  const auto selected = member(outcome.data, "selected").size();
  std::string text = text_at(outcome.data, "manifest") + ": " + std::to_string(rows) +
                     (rows == 1 ? " row, no faults" : " rows, no faults");
  if (static_cast<std::size_t>(rows) != selected)
    text += "; " + std::to_string(selected) + " selected";
  context.out().line(text);
  return outcome;
}

/// sweep-start --dry-run: what the target says it would do.
Outcome sweep_plan(Context& context, const client::SweepRequest& request) {
  Outcome outcome{client::sweep_plan(context.session(), request)};
  const Json& data = outcome.data;
  const std::string state = text_at(data, "state");
  if (!flag_at(data, "legal")) {
    outcome.code = Code::illegal_state;
    outcome.message = text_at(data, "refusal");
    outcome.hint = text_at(data, "hint");
  } else if (const std::string running = text_at(data, "running"); !running.empty()) {
    context.out().line("would start nothing: campaign " + running + " of it is running already");
  } else {
    const std::size_t count = member(data, "run").size();
    context.out().line(
        std::string(flag_at(data, "resumes") ? "would go on with " : "would start ") +
        std::to_string(count) + " of " + std::to_string(number_at(data, "rows")) +
        " rows; legal in " + state);
    for (const auto& id : member(data, "run")) context.out().line("  " + id.get<std::string>());
  }
  return outcome;
}

Outcome sweep_start(Context& context) {
  const client::SweepRequest request{.force = context.args().has("--force"),
                                     .redo_changed = context.args().has("--redo-changed"),
                                     .only = context.args().comma_list("--only"),
                                     .retry_failed = context.args().has("--retry-failed")};
  if (context.globals().dry_run) return sweep_plan(context, request);
  Output& out = context.out();
  Outcome outcome{client::sweep_start(context.session(), request)};
  for (const auto& note : member(outcome.data, "notes")) out.warn(note.get<std::string>());
  std::string text = "campaign " + text_at(outcome.data, "campaign") + ", " +
                     counted(number_at(outcome.data, "rows"), "row");
  if (const auto skipped = number_at(outcome.data, "skipped"); skipped > 0) {
    text += ", " + std::to_string(skipped) + " of them done already";
  }
  if (!flag_at(outcome.data, "created", true)) text += ", running already";
  if (flag_at(outcome.data, "resumed")) text += ", goes on";
  out.line(padded(text, 42) + " " + text_at(outcome.data, "state"));
  out.note("watch it: workflow sweep-watch");
  if (const std::string attach = text_at(outcome.data, "attach"); !attach.empty()) {
    out.note("on the target: " + attach);
  }
  return outcome;
}

/// Why nothing goes on, and what to do: a breaker that opened is told from an executor that died.
std::string stalled_text(Context& context) {
  const Json state = client::fsm_status(context.session());
  const std::string reason = text_at(state, "reason");
  const bool stalled = text_at(state, "state") == fsm::name(fsm::State::sweep_stalled);
  return (stalled && !reason.empty() ? "stalled: " + reason : std::string("executor gone")) +
         "; workflow sweep-start goes on with the rest";
}

Outcome sweep_status(Context& context) {
  client::StatusRequest request;
  request.campaign = context.args().text("--campaign");
  request.all = context.args().has("--all");
  request.after = context.args().count("--after").value_or(0);
  request.selection = context.args().selection();
  Outcome outcome{client::sweep_status(context.session(), request)};
  Output& out = context.out();
  const Json& campaign = member(outcome.data, "campaign");
  const Json& executor = member(outcome.data, "executor");
  out.fitted("campaign " + text_at(campaign, "id") + "   " +
             counts_text(member(outcome.data, "counts")));
  out.fitted(progress_text(outcome.data));
  if (text_at(executor, "state") != "alive" &&
      number_at(member(outcome.data, "counts"), "pending") +
              number_at(member(outcome.data, "counts"), "running") >
          0) {
    out.line(text_at(executor, "state") == "unknown"
                 ? "executor unknown: it runs where it cannot be seen from here"
                 : stalled_text(context));
  }
  for (const auto& line : hindrances(executor)) out.fitted(line);
  if (!member(outcome.data, "runs").empty()) show_runs(out, member(outcome.data, "runs"));
  if (member(outcome.data, "next").is_number()) {
    out.note("more: workflow sweep-status --after " +
             std::to_string(number_at(outcome.data, "next")));
  } else if (!request.all && request.selection == sweep::Selection{}) {
    out.note("pending and successful rows are left out; --all shows them");
  }
  return outcome;
}

bool is_legal(Context& context, fsm::Event command) {
  const Json status = client::fsm_status(context.session());
  const auto state = fsm::state_from(text_at(status, "state"));
  return state && fsm::next(*state, command);
}

Outcome sweep_stop(Context& context) {
  Output& out = context.out();
  if (context.globals().dry_run) {
    out.line("would end the executor and every run that is going");
    return {};
  }
  // Whoever is asked shall not be asked in vain: what is not legal is refused below.
  if (!context.globals().yes && is_legal(context, fsm::Event::sweep_stop)) {
    context.confirm("sweep-stop ends every run that is going");
  }
  Outcome outcome{client::sweep_stop(context.session(), [&](const Json& event) {
    out.event(event);
    out.note(text_at(event, "text"));
  })};
  for (const auto& note : member(outcome.data, "notes")) out.warn(note.get<std::string>());
  out.line(padded("stopped: " + std::to_string(member(outcome.data, "runs").size()) +
                      " runs ended, " + std::to_string(number_at(outcome.data, "pending")) +
                      " will not start",
                  42) +
           " " + text_at(outcome.data, "state"));
  return outcome;
}

}  // namespace

const Family& sweep_family() {
  static const Family family{
      "sweeps",
      {{"sweep-csv-template",
        "write a manifest to begin with",
        {},
        {selection_flags[0]},
        sweep_csv_template,
        Dry::says},
       {"sweep-check",
        "every fault of the manifest at once; nothing is sent",
        {},
        selection_flags,
        sweep_check,
        Dry::reads},
       {"sweep-start",
        "run the rows of the manifest, or go on where they stopped",
        {},
        with_selection(
            {{"--force", "", "a different row under a known id moves the old run to _bak"},
             {"--redo-changed", "", "run rows again that ended well with another commit"},
             {"--retry-failed", "", "only rows that did not end well in the last sweep"}}),
        sweep_start,
        Dry::says,
        false,
        "workflow sweep-start --match lr3"},
       {"sweep-status",
        "how the sweep is now",
        {},
        with_row_flags({{"--all", "", "every row"},
                        {"--campaign", "ID", "an earlier sweep"},
                        {"--after", "N", "rows after this number"}}),
        sweep_status,
        Dry::reads},
       {"sweep-watch", "follow the sweep to its end", {}, {}, sweep_watch, Dry::reads},
       {"sweep-stop", "end the sweep and every run that is going", {}, {}, sweep_stop, Dry::says},
       {"sweep-results",
        "every row with its last metrics, as CSV",
        {},
        with_row_flags({{"--campaign", "ID", "an earlier sweep"},
                        {"--out", "FILE", "write it there; on stdout without it"}}),
        sweep_results,
        Dry::reads,
        false,
        "workflow sweep-results --out results.csv"},
       {"sweep-report",
        "the sweep as one HTML file, with its curves",
        {},
        {{"--campaign", "ID", "an earlier sweep"},
         {"--out", "FILE", "sweep-CAMPAIGN.html in the working directory without it"},
         {"--curves", "N", "draw the curves of so many runs (100)"}},
        sweep_report,
        Dry::reads,
        false,
        "workflow sweep-report --out lr.html"},
       {"why",
        "what became of a run, and what proves it",
        {{"run", "the run"}},
        {},
        why,
        Dry::reads,
        false,
        "workflow why tiny-bad"}}};
  return family;
}

}  // namespace workflow::app
