#include <catch2/catch.hpp>

#include "common/sha256.h"
#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// A row's summary, with what every summary promises checked.
Json summary_of(const Sweeps& sweeps, const std::string& run, const std::string& campaign) {
  Json summary = sweeps.space.run_summary(run);
  INFO(summary.dump());
  const std::string state = text_at(summary, "state");
  CHECK(text_at(summary, "campaign_id") == campaign);
  CHECK(flag_at(summary, "ok") == (state == "success"));
  CHECK(member(summary, "failure").is_null() == (state == "success"));
  CHECK(number_at(summary, "attempts") == 1);
  CHECK(text_at(summary, "row_sha256").size() == 64);
  CHECK(text_at(summary, "git_sha").size() == 40);
  for (const char* key : {"metrics", "trainer", "pid", "stdout_log", "started_at", "ended_at"}) {
    CHECK(summary.contains(key));
  }
  return summary;
}

std::string class_of(const Json& summary) { return text_at(member(summary, "failure"), "class"); }

}  // namespace

TEST_CASE("a sweep of mixed rows goes on after failures and ends with right counts") {
  const Sweeps sweeps("RUN_TIMEOUT_SECS=2\n");
  sweeps.manifest({
      {.run_id = "good",
       .command = "echo '{\"step\":10,\"loss\":0.5}' >> \"$WF_METRICS_FILE\"; "
                  "echo '{\"accuracy\": 0.75}' > \"$TRAIN_OUT_DIR/summary.json\""},
      {.run_id = "code", .command = "exit 3"},
      {.run_id = "missing", .command = "echo one; python3 -c 'import nosuch'"},
      {.run_id = "by-column", .command = "exec sleep 60", .timeout_secs = "1"},
      {.run_id = "by-setting", .command = "exec sleep 60"},
      {.run_id = "no-limit", .command = "sleep 2.2", .timeout_secs = "0"},
      {.run_id = "signalled", .command = "kill -SEGV $$"},
      {.run_id = "last"},
  });
  const std::string campaign = text_at(sweeps.start(), "campaign");
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");

  const Json status = sweeps.status();
  const Json counts = member(status, "counts");
  INFO(counts.dump());
  CHECK(number_at(counts, "total") == 8);
  CHECK(number_at(counts, "success") == 3);
  CHECK(number_at(counts, "failed") == 3);
  CHECK(number_at(counts, "timed_out") == 2);
  CHECK(number_at(counts, "pending") + number_at(counts, "running") == 0);
  CHECK(
      eventually_is([&] { return text_at(member(sweeps.status(), "executor"), "state"); }, "gone"));
  CHECK(text_at(member(status, "campaign"), "manifest_sha256") ==
        sha256_hex(sweeps.space.read("sweep.csv")));
  CHECK(member(status, "runs").size() == 8);
  CHECK(member(sweeps.space.data({"sweep-status"}), "runs").size() == 5);
  CHECK(sweeps.starts() == 8);

  const Json good = summary_of(sweeps, "good", campaign);
  CHECK(member(member(good, "metrics"), "loss") == 0.5);
  CHECK(number_at(member(good, "metrics"), "step") == 10);
  CHECK(member(member(good, "trainer"), "accuracy") == 0.75);
  CHECK(number_at(good, "exit_code") == 0);

  const Json code = summary_of(sweeps, "code", campaign);
  CHECK(number_at(code, "exit_code") == 3);
  CHECK(class_of(code) == "exit");

  const Json missing = summary_of(sweeps, "missing", campaign);
  CHECK(class_of(missing) == "import");
  const Json failure = member(missing, "failure");
  const std::string line = "ModuleNotFoundError: No module named 'nosuch'";
  CHECK(text_at(failure, "line") == line);
  const std::string log = read_file(sweeps.run_dir("missing") / "stdout.log");
  CHECK(number_at(failure, "offset") == static_cast<long long>(log.find(line)));
  CHECK(number_at(failure, "line_number") == 4);

  for (const char* run : {"by-column", "by-setting"}) {
    const Json late = summary_of(sweeps, run, campaign);
    CHECK(text_at(late, "state") == "timed_out");
    CHECK(class_of(late) == "timeout");
    CHECK(text_at(late, "reason").rfind("limit ", 0) == 0);
  }
  const Json signalled = summary_of(sweeps, "signalled", campaign);
  CHECK(text_at(signalled, "signal") == "SEGV");
  CHECK(class_of(signalled) == "killed");
}

TEST_CASE("a manifest is frozen when its sweep starts") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "first", .command = until_released},
                   {.run_id = "second", .command = "echo as it was"}});
  const std::string bytes = sweeps.space.read("sweep.csv");
  const std::string campaign = text_at(sweeps.start(), "campaign");
  REQUIRE(sweeps.waits_for_start("first"));
  sweeps.manifest({{.run_id = "second", .command = "echo changed"}, {.run_id = "third"}});
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");

  CHECK(read_file(sweeps.run_dir("second") / "stdout.log") == "as it was\n");
  CHECK_FALSE(fs::exists(sweeps.run_dir("third")));
  CHECK(read_file(sweeps.campaign_dir(campaign) / "manifest.csv") == bytes);
  const fs::path manifests = sweeps.space.outputs() / "_manifests";
  CHECK(read_file(manifests / "sweep-latest.csv") == bytes);
  std::size_t named = 0;
  for (const auto& name : real_files().list(manifests)) {
    if (name.find(campaign) == std::string::npos) continue;
    named += 1;
    CHECK(read_file(manifests / name) == bytes);
  }
  CHECK(named == 1);
  CHECK(number_at(member(sweeps.status(), "counts"), "total") == 2);
}
