#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {}  // namespace

TEST_CASE("while a sweep runs the same manifest attaches and others are refused") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "going", .command = until_released}, {.run_id = "next"}});
  const Json first = sweeps.start();
  CHECK(flag_at(first, "created"));
  REQUIRE(sweeps.waits_for_start("going"));

  const Json again = sweeps.space.json({"sweep-start"});
  CHECK(flag_at(again, "ok"));
  CHECK_FALSE(flag_at(member(again, "data"), "created", true));
  CHECK(text_at(member(again, "data"), "campaign") == text_at(first, "campaign"));

  const Json part = sweeps.space.json({"sweep-start", "--limit", "1"});
  CHECK(code_of(part) == 5);
  sweeps.space.write("other.csv", manifest_text({{.run_id = "other"}}));
  const Json other = sweeps.space.json({"sweep-start", "--csv", "other.csv"});
  CHECK(code_of(other) == 5);
  CHECK(contains(message_of(other), text_at(first, "campaign")));

  // Not legal while a sweep runs; with its executor gone the run that lives still forbids them.
  for (const char* step : {"bootstrap", "checkout"}) CHECK(code_of(sweeps.space.json({step})) != 0);
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task(text_at(first, "task_id"))));
  for (const char* step : {"bootstrap", "checkout"}) {
    const Json refused = sweeps.space.json({step});
    INFO(refused.dump());
    CHECK(code_of(refused) == 5);
    CHECK(contains(message_of(refused), "going"));
  }
  sweeps.release();
  CHECK(sweeps.waits_for_state("going", "success"));
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 2);
}

TEST_CASE("the same manifest again runs only what did not end well and keeps every attempt") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "good"},
                   {.run_id = "flaky",
                    .command = "echo log of attempt $(grep -c flaky \"$HOME/started\"); "
                               "echo '{\"step\":1}' >> \"$WF_METRICS_FILE\"; "
                               "echo '{\"n\":1}' > \"$TRAIN_OUT_DIR/summary.json\"; "
                               "test -e \"$HOME/mended\""}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(text_at(sweeps.space.run_status("flaky"), "state") == "failed");
  sweeps.space.write("home/mended", "");

  const Json second = sweeps.start();
  CHECK(number_at(second, "skipped") == 1);
  CHECK(flag_at(second, "created"));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts("good") == 1);
  CHECK(sweeps.starts("flaky") == 2);
  CHECK(sweeps.count("skipped") == 1);
  CHECK(sweeps.count("success") == 1);

  const fs::path aside = sweeps.run_dir("flaky") / "attempts" / "0001";
  CHECK(read_file(aside / "stdout.log") == "log of attempt 1\n");
  CHECK(read_file(sweeps.run_dir("flaky") / "stdout.log") == "log of attempt 2\n");
  const Json old = parse_json(read_file(aside / "summary.json"), "summary");
  CHECK(text_at(old, "state") == "failed");
  CHECK(number_at(old, "attempts") == 1);
  for (const char* name : {"status.json", "command.sh", "spec.json", "metrics.jsonl"}) {
    CHECK(fs::exists(aside / name));
  }
  const Json summary = sweeps.space.run_summary("flaky");
  CHECK(flag_at(summary, "ok"));
  CHECK(number_at(summary, "attempts") == 2);

  const Json third = sweeps.start();
  CHECK(number_at(third, "skipped") == 2);
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 3);
}

TEST_CASE("another row under a known id is refused, or moves the old run aside") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a", .command = "echo old"}, {.run_id = "b"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  sweeps.manifest({{.run_id = "a", .command = "echo new"}, {.run_id = "b"}});
  const Json refused = sweeps.space.json({"sweep-start"});
  CHECK(code_of(refused) == 8);
  CHECK(contains(message_of(refused), "sweep.csv:2:1: "));
  CHECK(contains(message_of(refused), "'a'"));
  CHECK(read_file(sweeps.run_dir("a") / "stdout.log") == "old\n");

  CHECK(sweeps.run_to_end({"--force"}) == "SWEEP_COMPLETED");
  CHECK(read_file(sweeps.run_dir("a") / "stdout.log") == "new\n");
  const auto shelf = real_files().list(sweeps.space.outputs() / "_bak" / "a");
  REQUIRE(shelf.size() == 1);
  CHECK(read_file(sweeps.space.outputs() / "_bak" / "a" / shelf[0] / "stdout.log") == "old\n");
  CHECK(sweeps.starts("b") == 1);
}

TEST_CASE("rows of another commit are kept with a warning, or run again when asked") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  sweeps.space.make_repo({{"more", "a second commit\n"}});
  (void)sweeps.space.data({"checkout"});
  const Json kept = sweeps.start();
  CHECK(number_at(kept, "skipped") == 1);
  REQUIRE(member(kept, "notes").size() == 1);
  CHECK(contains(member(kept, "notes")[0].get<std::string>(), "--redo-changed"));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(number_at(sweeps.start({"--redo-changed"}), "skipped") == 0);
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts("a") == 2);
  CHECK(number_at(sweeps.start({"--redo-changed"}), "skipped") == 1);
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
}

TEST_CASE("a selection says which rows run") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a1"}, {.run_id = "b1"}, {.run_id = "a2"}, {.run_id = "a3"}});
  CHECK(sweeps.run_to_end({"--match", "/^a/", "--start-at", "b1", "--limit", "1"}) ==
        "SWEEP_COMPLETED");
  CHECK(sweeps.space.read("home/started") == "a2\n");
  CHECK(sweeps.run_to_end({"--match", "a"}) == "SWEEP_COMPLETED");
  CHECK(sweeps.space.read("home/started") == "a2\na1\na3\n");
  CHECK(sweeps.count("skipped") == 1);
  CHECK(sweeps.count("total") == 3);
}

TEST_CASE("a sweep is stopped, says so, and can be taken up again") {
  const Sweeps sweeps;
  sweeps.manifest(
      {{.run_id = "done"}, {.run_id = "going", .command = until_released}, {.run_id = "waiting"}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("going"));
  CHECK(code_of(sweeps.space.json({"sweep-stop"})) == 9);
  CHECK(text_at(sweeps.space.run_status("going"), "state") == "running");

  const Json stopped = sweeps.space.data({"sweep-stop", "--yes"});
  CHECK(text_at(stopped, "state") == "CHECKED_OUT");
  CHECK(member(stopped, "runs") == Json::array({"going"}));
  CHECK(number_at(stopped, "pending") == 1);
  CHECK(text_at(sweeps.space.run_status("going"), "state") == "stopped");
  CHECK_FALSE(process_lives(Sweeps::command_of(sweeps.space.run_status("going"))));
  CHECK(sweeps.count("stopped") == 1);
  CHECK(sweeps.count("cancelled") == 1);
  CHECK(sweeps.count("success") == 1);
  CHECK(text_at(sweeps.truth(), "state") == "CHECKED_OUT");

  const Json again = sweeps.space.json({"sweep-stop", "--yes"});
  INFO(again.dump());
  CHECK(flag_at(again, "ok"));

  sweeps.release();
  CHECK(number_at(sweeps.start(), "skipped") == 1);
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts("done") == 1);
  CHECK(sweeps.starts("going") == 2);
  CHECK(sweeps.starts("waiting") == 1);
  CHECK(sweeps.count("success") == 2);
}

TEST_CASE("a working copy that is not what checkout left is said and recorded") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const std::string sha = text_at(sweeps.space.run_summary("a"), "git_sha");

  sweeps.space.write(".workflow/repo/README", "changed by hand\n");
  sweeps.manifest({{.run_id = "a"}, {.run_id = "b"}});
  const Json second = sweeps.start();
  CHECK(contains(dump_json(member(second, "notes")), "not as checkout left it"));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(text_at(sweeps.space.run_summary("b"), "git_sha").rfind(sha + "-dirty-", 0) == 0);

  CaptureSpec commit;
  commit.argv = {"git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "mine"};
  commit.workdir = sweeps.space.dir() / ".workflow/repo";
  REQUIRE(capture(commit).ok());
  sweeps.manifest({{.run_id = "c"}});
  const Json third = sweeps.start();
  CHECK(contains(dump_json(member(third, "notes")), "it was " + sha.substr(0, 7)));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  const std::string moved = text_at(sweeps.space.run_summary("c"), "git_sha");
  CHECK(moved.size() == 40);
  CHECK(moved != sha);
}
