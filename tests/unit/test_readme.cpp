// README.md shows the table and the diagram as the code has them.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "fsm/diagram.h"

namespace workflow::fsm {
namespace {

const std::string readme = WORKFLOW_SOURCE_DIR "/README.md";

std::string read_readme() {
  std::ifstream in(readme, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Checks what stands between `<!-- NAME -->` and `<!-- /NAME -->`, or puts it there.
void check_between(const std::string& name, const std::string& expected) {
  const std::string opens = "<!-- " + name + " -->\n";
  const std::string closes = "<!-- /" + name + " -->";
  std::string text = read_readme();
  const auto from = text.find(opens);
  const auto to = text.find(closes);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  const auto begin = from + opens.size();
  REQUIRE(begin <= to);
  if (std::getenv("WORKFLOW_UPDATE_GOLDEN") != nullptr) {
    text.replace(begin, to - begin, expected);
    std::ofstream(readme, std::ios::binary) << text;
    return;
  }
  INFO("WORKFLOW_UPDATE_GOLDEN=1 with this test rewrites README.md");
  CHECK(text.substr(begin, to - begin) == expected);
}

}  // namespace

TEST_CASE("README.md shows the transition table") { check_between("table", markdown_table()); }

TEST_CASE("README.md shows the diagram") {
  check_between("diagram", "```mermaid\n" + mermaid() + "```\n");
}

}  // namespace workflow::fsm
