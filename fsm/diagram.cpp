#include "fsm/diagram.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>

#include "fsm/workflow_table.h"

namespace workflow::fsm {
namespace {

using table::Events;
using table::States;
using table::To;

// Observations stand in parentheses: nobody can ask for them.
std::string label(Event event) {
  const std::string text(name(event));
  return is_command(event) ? text : "(" + text + ")";
}

std::string labels(const std::vector<Event>& events, std::string_view separator) {
  std::string text;
  for (const Event event : events) {
    if (!text.empty()) text += separator;
    text += label(event);
  }
  return text;
}

std::string markdown(Events events) {
  std::string text;
  for (const Event event : all_events()) {
    if (!events.has(event)) continue;
    if (!text.empty()) text += ", ";
    text += is_command(event) ? "`" + std::string(name(event)) + "`" : label(event);
  }
  return text;
}

std::string listed(States states, std::string_view separator) {
  std::string text;
  for (const State state : all_states()) {
    if (!states.has(state)) continue;
    if (!text.empty()) text += separator;
    text += name(state);
  }
  return text;
}

std::string legal(States states) {
  const States others = table::any_but(states);
  if (others == States{}) return "any";
  if (std::popcount(others.bits) <= 2) return "any but " + listed(others, ", ");
  return listed(states, ", ");
}

std::string target(To to) {
  switch (to.kind) {
    case To::Kind::state:
      return std::string(name(to.state));
    case To::Kind::unchanged:
      return "unchanged";
    case To::Kind::chosen:
      return "the state named, INIT by default";
  }
  return {};
}

}  // namespace

std::vector<Arrow> arrows() {
  std::vector<Arrow> found;
  for (const auto& row : table::WorkflowMachine::rows) {
    if (row.from == row.to || row.on == Event::fsm_reset) continue;
    const auto same = [&row](const Arrow& arrow) {
      return arrow.from == row.from && arrow.to == row.to;
    };
    const auto arrow = std::find_if(found.begin(), found.end(), same);
    if (arrow == found.end())
      found.push_back({row.from, row.to, {row.on}});
    else
      arrow->events.push_back(row.on);
  }
  std::sort(found.begin(), found.end(), [](const Arrow& a, const Arrow& b) {
    return std::pair(a.from, a.to) < std::pair(b.from, b.to);
  });
  return found;
}

std::string mermaid() {
  const std::string initial(name(table::WorkflowMachine::initial));
  std::string text = "stateDiagram-v2\n    [*] --> " + initial + "\n";
  for (const Arrow& arrow : arrows())
    text += "    " + std::string(name(arrow.from)) + " --> " + std::string(name(arrow.to)) + ": " +
            labels(arrow.events, ", ") + "\n";
  return text;
}

std::string dot() {
  std::string text =
      "digraph workflow {\n"
      "  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
      "  edge [fontname=\"sans-serif\", fontsize=10];\n";
  for (const Arrow& arrow : arrows()) {
    const bool only_seen = std::none_of(arrow.events.begin(), arrow.events.end(), &is_command);
    text += "  " + std::string(name(arrow.from)) + " -> " + std::string(name(arrow.to)) +
            " [label=\"" + labels(arrow.events, "\\n") + "\"" +
            (only_seen ? ", style=dashed" : "") + "];\n";
  }
  return text + "}\n";
}

std::string markdown_table() {
  std::string text = "| command or event | legal in | leads to |\n|---|---|---|\n";
  const auto& rows = table::transitions;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // Rows of the same events that follow each other read better as one line.
    States from = rows[i].from;
    std::string to = target(rows[i].to);
    for (; i + 1 < rows.size() && rows[i + 1].on == rows[i].on; ++i) {
      to += " from " + listed(rows[i].from, " or ") + ", else " + target(rows[i + 1].to);
      from = {from, rows[i + 1].from};
    }
    text += "| " + markdown(rows[i].on) + " | " + legal(from) + " | " + to + " |\n";
  }
  return text;
}

}  // namespace workflow::fsm
