// What is drawn and tabulated is what the machine does.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fsm/diagram.h"
#include "fsm/workflow_machine.h"

namespace workflow::fsm {

TEST_CASE("the arrows are the rows that lead elsewhere") {
  std::map<std::pair<State, Event>, State> drawn;
  for (const Arrow& arrow : arrows())
    for (const Event event : arrow.events)
      CHECK(drawn.emplace(std::pair(arrow.from, event), arrow.to).second);
  for (const State state : all_states()) {
    for (const Event event : all_events()) {
      INFO(name(event) << " in " << name(state));
      const auto to = next(state, event);
      const bool leads = to && *to != state && event != Event::fsm_reset;
      REQUIRE(drawn.contains({state, event}) == leads);
      if (leads) CHECK(drawn.at({state, event}) == *to);
    }
  }
}

TEST_CASE("the diagrams draw every arrow once") {
  const std::string mermaid_text = mermaid();
  const std::string dot_text = dot();
  const auto count = arrows().size();
  CHECK(std::count(mermaid_text.begin(), mermaid_text.end(), '\n') == long(count) + 2);
  CHECK(mermaid_text.starts_with("stateDiagram-v2\n    [*] --> INIT\n"));
  CHECK(mermaid_text.find("    CHECKED_OUT --> SWEEP_RUNNING: sweep-start\n") != std::string::npos);
  CHECK(mermaid_text.find("SWEEP_RUNNING --> SWEEP_STALLED: (executor-gone), (breaker-open)\n") !=
        std::string::npos);
  CHECK(dot_text.starts_with("digraph workflow {\n"));
  CHECK(dot_text.ends_with("}\n"));
  CHECK(dot_text.find("  SWEEP_STALLED -> CHECKED_OUT [label=\"checkout\\nsweep-stop\"];\n") !=
        std::string::npos);
  CHECK(dot_text.find("[label=\"(all-rows-ended)\", style=dashed];\n") != std::string::npos);
  for (const Arrow& arrow : arrows()) {
    const std::string from(name(arrow.from)), to(name(arrow.to));
    CHECK(mermaid_text.find("    " + from + " --> " + to + ": ") != std::string::npos);
    CHECK(dot_text.find("  " + from + " -> " + to + " [label=") != std::string::npos);
  }
}

namespace {

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (std::size_t end; (end = text.find(separator, at)) != std::string::npos;
       at = end + separator.size())
    parts.push_back(text.substr(at, end - at));
  parts.push_back(text.substr(at));
  return parts;
}

std::set<State> read_states(const std::string& text, const std::string& separator) {
  std::set<State> states;
  for (const std::string& word : split(text, separator)) states.insert(state_from(word).value());
  return states;
}

std::set<State> read_legal(const std::string& text) {
  std::set<State> all(all_states().begin(), all_states().end());
  if (text == "any") return all;
  if (!text.starts_with("any but ")) return read_states(text, ", ");
  for (const State state : read_states(text.substr(8), ", ")) all.erase(state);
  return all;
}

State read_target(const std::string& text, State from) {
  if (text == "unchanged") return from;
  if (text.ends_with("INIT by default")) return State::init;
  if (!text.ends_with(", else unchanged")) return state_from(text).value();
  const auto parts = split(text.substr(0, text.find(", else")), " from ");
  return read_states(parts.at(1), " or ").contains(from) ? state_from(parts.at(0)).value() : from;
}

}  // namespace

TEST_CASE("the Markdown table, read back, is the machine") {
  std::set<Event> covered;
  auto lines = split(markdown_table(), "\n");
  REQUIRE(lines.at(0) == "| command or event | legal in | leads to |");
  REQUIRE(lines.back().empty());
  for (std::size_t i = 2; i + 1 < lines.size(); ++i) {
    const auto cells = split(lines[i].substr(2, lines[i].size() - 4), " | ");
    REQUIRE(cells.size() == 3);
    for (const std::string& cell : split(cells[0], ", ")) {
      const auto event = event_from(cell.substr(1, cell.size() - 2));
      REQUIRE(event);
      CHECK((cell.front() == '`') == is_command(*event));
      CHECK(covered.insert(*event).second);
      for (const State state : all_states()) {
        INFO(lines[i] << " in " << name(state));
        const auto to = next(state, *event);
        REQUIRE(to.has_value() == read_legal(cells[1]).contains(state));
        if (to) CHECK(*to == read_target(cells[2], state));
      }
    }
  }
  CHECK(covered.size() == all_events().size());
}

}  // namespace workflow::fsm
