// fetch-all: the runs of a real sweep, while it goes on and after it.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/reach.h"
#include "tests/support/sweeps.h"

namespace workflow::test {

TEST_CASE("fetch-all takes the campaign's rows, not the local CSV, and tells the bad ones") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "good", .command = "echo '{\"loss\":0.25}' >> \"$WF_METRICS_FILE\""},
                   {.run_id = "bad", .command = "exit 3"},
                   {.run_id = "live", .command = std::string("echo begun; ") + until_released}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("live"));
  REQUIRE(eventually([&] { return fs::exists(sweeps.run_dir("live") / "stdout.log"); }));
  sweeps.space.write("sweep.csv", "run_id\nsomething else\n");
  const fs::path here = sweeps.space.dir() / "artifacts/pod_logs";
  const Captured first = sweeps.space.run({"fetch-all"});
  INFO(first.out << first.err);
  REQUIRE(first.ok());
  CHECK(contains(first.out, "3 of 3 runs"));
  for (const char* id : {"good", "bad", "live"}) CHECK(fs::exists(here / id / "stdout.log"));
  CHECK(read_file(here / "manifest.csv") ==
        read_file(sweeps.campaign_dir(text_at(sweeps.truth(), "campaign")) / "manifest.csv"));
  CHECK(contains(read_file(here / "results.csv"), "good,success,"));
  const Json record = parse_json(read_file(here / "fetch.json"), "fetch.json");
  CHECK(text_at(record, "schema") == "workflow.fetch/1");
  CHECK(text_at(record, "pod_id") == trim(read_file(sweeps.space.home() / ".workflow/pod_id")));
  CHECK(member(record, "runs").size() == 3);
  sweeps.release();
  REQUIRE(sweeps.end_state() == "SWEEP_COMPLETED");
  // One that cannot be read does not end the others.
  real_files().write(sweeps.run_dir("bad") / "status.json", "no JSON");
  const Captured second = sweeps.space.run({"fetch-all"});
  INFO(second.out << second.err);
  CHECK(second.status.code == 1);
  CHECK(contains(second.err, "bad: not fetched: "));
  CHECK(contains(read_file(here / "live/status.json"), "\"success\""));
  const Json ok = sweeps.space.data({"fetch-all", "--only", "ok", "--to", "other"});
  CHECK(member(ok, "runs").size() == 2);
  CHECK(fs::exists(sweeps.space.dir() / "other/good/summary.json"));
}

}  // namespace workflow::test
