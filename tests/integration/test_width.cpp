#include <catch2/catch.hpp>

#include "apps/workflow/text_table.h"
#include "tests/support/sweeps.h"
#include "tests/support/terminal.h"

using namespace workflow;
using namespace workflow::test;

TEST_CASE("tables fit the terminal, and a pipe gets everything") {
  const std::string long_name(60, 'n');
  const Sweeps sweeps("WANDB_GROUP=" + std::string(200, 'g') + "\n");
  (void)sweeps.space.data({"task-run", "--wait", "--id", long_name, "--", "true"});
  sweeps.manifest(
      {{.run_id = "bad", .command = "echo ValueError: " + std::string(150, 'x') + " >&2; exit 3"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const std::vector<std::pair<std::vector<std::string>, std::string>> commands = {
      {{"config"}, std::string(200, 'g')},
      {{"task-list"}, long_name},
      {{"fsm-log"}, "every selected row has ended"},
      {{"why", "bad"}, std::string(150, 'x')}};
  for (const auto& [words, whole] : commands) {
    INFO(words[0]);
    const Shown shown = show_on_terminal(sweeps.space, words, 80);
    CHECK(shown.status.code == 0);
    for (const auto& line : printed_lines(shown.bytes)) {
      INFO(line);
      const bool a_path = line.starts_with("all of it") || line.starts_with("settings file");
      CHECK((a_path || app::text_width(line) <= 80));
    }
    CHECK(sweeps.space.run(words).out.find(whole) != std::string::npos);
  }
}
