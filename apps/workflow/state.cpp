// fsm-status, fsm-reset, fsm-log, fsm-graph, plan, advance.
#include "apps/workflow/command.h"
#include "common/text.h"
#include "fsm/diagram.h"
#include "fsm/planner.h"

namespace workflow::app {
namespace {

fsm::State state_named(const std::string& word) {
  std::string upper = word;
  for (char& c : upper)
    c = static_cast<char>(c == '-' ? '_' : std::toupper(static_cast<unsigned char>(c)));
  if (const auto state = fsm::state_from(upper)) return *state;
  std::vector<std::string> names;
  for (const auto state : fsm::all_states()) names.emplace_back(fsm::name(state));
  const std::string near = nearest(upper, names);
  throw Error(Code::usage, "there is no state '" + word + "'",
              near.empty() ? "states: " + join(names, ", ") : "did you mean " + near + "?");
}

/// Where records live apart from the outputs directory, and how old their mirror there is.
void show_mirror(Output& out, const Json& mirror) {
  if (!mirror.is_object()) return;
  out.line("records     in " + text_at(mirror, "live_root"));
  const bool written = member(mirror, "age_secs").is_number();
  out.line("mirror      in " + text_at(mirror, "dir") + ", " +
           (written ? human_duration(number_at(mirror, "age_secs")) + " old" : "never written"));
  const std::string since = text_at(mirror, "behind_since");
  if (since.empty()) return;
  const std::string reason = text_at(mirror, "reason");
  out.warn("the mirror is behind since " + since + (reason.empty() ? "" : ": " + reason));
}

std::string words(const Json& list) {
  std::vector<std::string> out;
  for (const auto& item : list) out.push_back(item.get<std::string>());
  return join(out, ", ");
}

void show_state(Output& out, const Json& data) {
  const std::string state = text_at(data, "state");
  const std::string recorded = text_at(data, "recorded_state");
  std::string first = out.paint(Paint::bold, state);
  if (state != recorded) {
    first += "   recorded " + recorded + ", but " + text_at(data, "correction");
  } else if (number_at(data, "revision") == 0 && text_at(data, "reason").empty()) {
    first += "   nothing was done here yet";
  } else {
    first += "   " + text_at(data, "reason");
  }
  out.line(first);
  if (state != recorded) out.line("            corrected at the next command that needs it");
  if (const Json& lease = member(data, "lease"); lease.is_object()) {
    out.line("busy        " + text_at(lease, "command") + " by " + text_at(lease, "user") + "@" +
             text_at(lease, "host") + " since " + text_at(lease, "since") + " (task " +
             text_at(lease, "task_id") + ")");
  }
  if (const std::string campaign = text_at(data, "campaign"); !campaign.empty()) {
    out.line("campaign    " + campaign);
  }
  std::vector<std::string> legal;
  for (const auto& name : member(data, "legal_commands")) {
    if (find_command(name.get<std::string>()) != nullptr) legal.push_back(name);
  }
  out.line("legal now   " + join(legal, ", "));
  const std::string since = text_at(data, "updated_at");
  const bool of_ledger = text_at(data, "known_by") == "ledger";
  if (of_ledger) {
    out.line("known       by this machine's ledger" + (since.empty() ? "" : ", since " + since));
    return;
  }
  if (!since.empty()) {
    out.line("recorded    " + since + " by " + text_at(member(data, "updated_by"), "user") + "@" +
             text_at(member(data, "updated_by"), "host") + ", revision " +
             std::to_string(number_at(data, "revision")));
  }
  show_mirror(out, member(data, "mirror"));
  out.line("known       just now, from the target itself" +
           std::string(text_at(data, "certainty") == "unknown"
                           ? "; whether the executor lives cannot be seen from here"
                           : ""));
}

Outcome fsm_status(Context& context) {
  Outcome outcome{client::fsm_status(context.session())};
  for (const auto& note : member(outcome.data, "notes")) {
    context.out().warn(note.get<std::string>());
  }
  show_state(context.out(), outcome.data);
  return outcome;
}

Outcome fsm_reset(Context& context) {
  const std::string wanted = context.args().positional("state");
  const fsm::State state = wanted.empty() ? fsm::State::init : state_named(wanted);
  if (context.globals().dry_run) {
    context.out().line("would set the state to " + std::string(fsm::name(state)));
    return {};
  }
  Outcome outcome{client::fsm_reset(context.session(), state, context.globals().yes,
                                    context.args().count("--if-revision"))};
  for (const auto& note : member(outcome.data, "notes"))
    context.out().note(note.get<std::string>());
  context.out().line(text_at(outcome.data, "recorded_state") + "   set by hand, revision " +
                     std::to_string(number_at(outcome.data, "revision")));
  if (text_at(outcome.data, "state") != text_at(outcome.data, "recorded_state")) {
    context.out().warn("what is there supports only " + text_at(outcome.data, "state") + ": " +
                       text_at(outcome.data, "correction"));
  }
  return outcome;
}

std::string change_text(const Json& line) {
  const std::string from = text_at(line, "from");
  const std::string to = text_at(line, "to");
  return from == to ? to : from + " → " + to;
}

Outcome fsm_log(Context& context) {
  Outcome outcome{client::fsm_log(context.session())};
  std::vector<std::vector<std::string>> rows;
  for (const auto& line : member(outcome.data, "changes")) {
    const Json& by = member(line, "by");
    rows.push_back({context.out().time(text_at(line, "at")),
                    std::to_string(number_at(line, "revision")), text_at(line, "kind"),
                    change_text(line), text_at(line, "command"),
                    text_at(by, "user") + "@" + text_at(by, "host"), text_at(line, "reason")});
  }
  if (rows.empty()) {
    context.out().line("nothing has changed here yet");
    return outcome;
  }
  context.out().rows({"when", "rev", "kind", "change", "command", "by", "reason"}, std::move(rows),
                     {false, true});
  return outcome;
}

Json graph_json() {
  Json arrows = Json::array();
  for (const auto& arrow : fsm::arrows()) {
    Json events = Json::array();
    for (const auto event : arrow.events) events.push_back(fsm::name(event));
    arrows.push_back(
        {{"from", fsm::name(arrow.from)}, {"to", fsm::name(arrow.to)}, {"on", events}});
  }
  Json states = Json::array();
  for (const auto state : fsm::all_states()) states.push_back(fsm::name(state));
  return {{"states", states}, {"arrows", arrows}};
}

Outcome fsm_graph(Context& context) {
  const std::string format =
      context.args().has("--format") ? context.args().text("--format") : "mermaid";
  const Json graph = graph_json();
  if (format == "mermaid")
    context.out().bytes(fsm::mermaid());
  else if (format == "dot")
    context.out().bytes(fsm::dot());
  else if (format == "markdown")
    context.out().bytes(fsm::markdown_table());
  else if (format == "json")
    context.out().bytes(pretty_json(graph));
  else
    throw Error(Code::usage, "no format '" + format + "'", "mermaid, dot, markdown or json");
  return {graph};
}

Outcome plan(Context& context) {
  const fsm::State to = state_named(context.args().positional("state"));
  Outcome outcome{client::plan(context.session(), to)};
  const Json& path = member(outcome.data, "path");
  if (path.empty()) context.out().line("already in " + std::string(fsm::name(to)));
  for (const auto& name : path) context.out().line("workflow " + name.get<std::string>());
  return outcome;
}

Outcome advance(Context& context) {
  const fsm::State to = state_named(context.args().positional("state"));
  Outcome outcome{client::plan(context.session(), to)};
  const Json path = member(outcome.data, "path");
  if (path.empty()) context.out().line("already in " + std::string(fsm::name(to)));
  if (context.globals().dry_run) {
    for (const auto& name : path)
      context.out().line("would run: workflow " + name.get<std::string>());
    return outcome;
  }
  for (const auto& item : path) {
    const std::string name = item;
    const Command* command = find_command(name);
    if (command == nullptr) bug("the way there has a command that nobody wrote: " + name);
    const bool ends_something = name == "pod-down" || name == "sweep-stop";
    if (ends_something) {
      context.confirm("the way to " + std::string(fsm::name(to)) + " is " + words(path));
    }
    context.out().note("$ workflow " + name);
    const Outcome step = command->run(context);
    if (step.code != Code::ok) return step;
  }
  outcome.data["state"] = text_at(client::fsm_status(context.session()), "state");
  return outcome;
}

}  // namespace

const Family& state_family() {
  static const Family family{
      "state",
      {{"fsm-status",
        "where the target stands, as far as evidence supports it",
        {},
        {},
        fsm_status,
        Dry::reads},
       {"fsm-reset",
        "set the state by hand",
        {{"state", "the new state; INIT without one", false}},
        {{"--if-revision", "N", "only while the record has this revision"}},
        fsm_reset,
        Dry::says,
        false,
        "workflow fsm-reset POD_READY"},
       {"fsm-log", "every change of the state, and who made it", {}, {}, fsm_log, Dry::reads},
       {"fsm-graph",
        "the machine as a drawing",
        {},
        {{"--format", "F", "mermaid, dot, markdown or json"}},
        fsm_graph,
        Dry::reads,
        false,
        "workflow fsm-graph --format dot | dot -Tsvg > fsm.svg"},
       {"plan",
        "the commands that would lead to a state",
        {{"state", "where to"}},
        {},
        plan,
        Dry::reads,
        false,
        "workflow plan SWEEP_RUNNING"},
       {"advance",
        "run the commands that lead to a state",
        {{"state", "where to"}},
        {},
        advance,
        Dry::says,
        false,
        "workflow advance CHECKED_OUT"}}};
  return family;
}

}  // namespace workflow::app
