#pragma once
// The workflow machine drawn and tabulated from its table; the docs' copies are checked by a test.

#include <string>
#include <vector>

#include "fsm/workflow_machine.h"

namespace workflow::fsm {

/// One arrow of the diagram: every event that leads from one state to another one.
struct Arrow {
  State from;
  State to;
  std::vector<Event> events;
};

/// All arrows, by state and then by where they lead; without rows that stay where they are and
/// without `fsm-reset`, which leads from anywhere to anywhere.
[[nodiscard]] std::vector<Arrow> arrows();

/// A Mermaid `stateDiagram-v2`; observations are in parentheses.
[[nodiscard]] std::string mermaid();

/// A Graphviz digraph; arrows that only observations take are dashed.
[[nodiscard]] std::string dot();

/// A Markdown table: command or event, legal in, leads to.
[[nodiscard]] std::string markdown_table();

}  // namespace workflow::fsm
