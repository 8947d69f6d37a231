// Another manifest for a sweep that is going, and what is refused where.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/live_rows.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

TEST_CASE("another manifest is shown as a plan and then done") {
  const Sweeps sweeps("KILL_GRACE_SECS=5\n");
  const std::vector<TestRow> rows{{.run_id = "done", .command = "true"},
                                  {.run_id = "going", .command = until_released},
                                  {.run_id = "waits", .command = "true"},
                                  {.run_id = "goes", .command = "true"}};
  sweeps.manifest(rows);
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("going"));
  sweeps.space.write("new.csv", manifest_text({rows[0],
                                               rows[1],
                                               {.run_id = "waits", .command = "true", .seed = "3"},
                                               {.run_id = "new", .command = "true"}}));
  const Json plan = sweeps.space.data({"-n", "sweep-apply", "new.csv"});
  CHECK(member(plan, "rows").size() == 3);
  CHECK(number_at(plan, "unchanged") == 2);
  CHECK(code_of(sweeps.space.json({"sweep-apply", "new.csv"})) == 9);  // a row would go
  CHECK(member(sweeps.space.data({"sweep-ops"}), "operations").empty());

  const Captured applied = sweeps.space.run({"sweep-apply", "new.csv", "--yes"});
  INFO(applied.err);
  CHECK(code_of(applied) == 0);
  CHECK(contains(applied.out, "waits  changed"));
  CHECK(contains(applied.out, "operation 1 completed"));
  CHECK(state_of(sweeps, "goes") == "cancelled");
  const Json nothing = sweeps.space.json({"sweep-apply", "new.csv"});
  CHECK(code_of(nothing) == 0);
  CHECK_FALSE(flag_at(member(nothing, "data"), "changes"));
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(number_at(sweeps.space.run_status("waits"), "seed") == 3);
  CHECK(sweeps.starts("goes") == 0);
  CHECK(sweeps.starts("new") == 1);

  sweeps.space.write("new.csv",
                     manifest_text({{.run_id = "done", .command = "true", .seed = "9"}}));
  CHECK(code_of(sweeps.space.json({"sweep-apply", "new.csv", "--yes"})) == 8);
  CHECK(code_of(sweeps.space.json({"sweep-apply", "new.csv", "--yes", "--force"})) == 0);
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts("done") == 2);
  CHECK(real_files().list(sweeps.space.outputs() / "_bak/done").size() == 1);
  CHECK(text_at(row_of(sweeps, "done", "success"), "run_id") == "done");
}

TEST_CASE("operations are legal where there is a sweep, and told so elsewhere") {
  const Sweeps sweeps;
  for (const std::vector<std::string>& words : {std::vector<std::string>{"run-stop", "a"},
                                                {"run-resume", "a"},
                                                {"run-clone", "a"},
                                                {"-y", "run-delete", "a"}}) {
    INFO(words[0]);
    CHECK(code_of(sweeps.space.json(words)) == 3);
  }
  CHECK(code_of(sweeps.space.json({"sweep-ops"})) == 6);
  sweeps.manifest({{.run_id = "a", .command = until_released}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  CHECK(code_of(sweeps.space.json({"sweep-ops", "7"})) == 6);
  CHECK(code_of(sweeps.space.json({"sweep-ops", "seven"})) == 2);
  CHECK(code_of(sweeps.space.json({"sweep-apply", "nowhere.csv"})) == 6);
  CHECK(code_of(sweeps.space.run({"sweep-stop", "--yes"})) == 0);
  CHECK(code_of(sweeps.space.json({"run-stop", "a"})) == 3);
}
