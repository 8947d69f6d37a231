// sweep-results: every row of a campaign and its last metrics, as CSV that other programs read.
#include <catch2/catch.hpp>

#include "client/results.h"
#include "common/text.h"
#include "tests/support/sweeps.h"

namespace workflow::test {

TEST_CASE("a CSV quotes what needs it, and its numbers read back as they were") {
  const Json results = {
      {"metrics", {"a,b", "loss", "state"}},
      {"rows",
       {{{"run_id", "r1"},
         {"state", "success"},
         {"seed", -3},
         {"overrides", "x=\"1,2\"\ny"},
         {"seconds", 0.1},
         {"exit_code", 0},
         {"metrics", {{"loss", 0.1 + 0.2}, {"a,b", {1, 2}}, {"state", "fine"}}}},
        {{"run_id", "r2"}, {"exit_code", nullptr}, {"metrics", {{"loss", 1e-300}}}}}}};
  CHECK(client::results_csv(results) ==
        "run_id,state,config,seed,overrides,attempts,seconds,exit_code,failure,started_at,"
        "ended_at,git_sha,\"a,b\",loss,metrics.state\n"
        "r1,success,,-3,\"x=\"\"1,2\"\"\ny\",,0.1,0,,,,,\"[1,2]\",0.30000000000000004,fine\n"
        "r2,,,,,,,,,,,,,1e-300,\n");
}

TEST_CASE("sweep-results tells every row in the manifest's order") {
  const Sweeps sweeps;
  sweeps.manifest(
      {{.run_id = "z", .command = "echo '{\"loss\":0.1}' >> \"$WF_METRICS_FILE\"", .seed = "7"},
       {.run_id = "a",
        .command = "echo '{\"acc\":1,\"loss\":2}' >> \"$WF_METRICS_FILE\"; exit 3"}});
  REQUIRE(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const Captured told = sweeps.space.run({"sweep-results"});
  INFO(told.out << told.err);
  REQUIRE(told.ok());
  const auto lines = split(told.out, '\n');
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] ==
        "run_id,state,config,seed,overrides,attempts,seconds,exit_code,failure,started_at,"
        "ended_at,git_sha,acc,loss");
  CHECK(lines[1].rfind("z,success,,7,\"echo '{\"\"loss\"\":0.1}'", 0) == 0);
  CHECK(lines[1].substr(lines[1].rfind(',')) == ",0.1");
  CHECK(lines[2].rfind("a,failed,", 0) == 0);
  CHECK(lines[2].find(",3,exit,") != std::string::npos);
  CHECK(lines[2].substr(lines[2].size() - 4) == ",1,2");
  const Json data = sweeps.space.data({"sweep-results"});
  CHECK(member(data, "rows").size() == 2);
  CHECK(text_at(member(data, "rows")[0], "git_sha").size() == 40);
  REQUIRE(sweeps.space.run({"sweep-results", "--out", "r.csv"}).ok());
  CHECK(sweeps.space.read("r.csv") == told.out);
}

}  // namespace workflow::test
