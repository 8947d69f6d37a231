#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/sweeps.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

namespace {}  // namespace

TEST_CASE("ten sweep-stop at once all end well, and the sweep is stopped once") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "going", .command = until_released}, {.run_id = "next"}});
  (void)sweeps.start();
  REQUIRE(sweeps.waits_for_start("going"));
  std::vector<pid_t> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(sweeps.space.start({"sweep-stop", "--yes"}, "stop-" + std::to_string(i)));
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const auto end = end_of(clients[i]);
    REQUIRE(end);
    INFO(sweeps.space.read("stop-" + std::to_string(i)));
    CHECK(end->code == 0);
  }
  CHECK(text_at(sweeps.space.state(), "state") == "CHECKED_OUT");
  CHECK(text_at(sweeps.space.run_status("going"), "state") == "stopped");
  long moves = 0;
  const Json log = sweeps.space.data({"fsm-log"});
  for (const auto& line : member(log, "changes")) {
    moves += text_at(line, "command") == "sweep-stop" && text_at(line, "kind") == "move" ? 1 : 0;
  }
  CHECK(moves == 1);
}

TEST_CASE("sweep-stop is refused as illegal before anybody is asked whether he means it") {
  const Sweeps sweeps;
  CHECK(code_of(sweeps.space.run({"sweep-stop"})) == 3);
  sweeps.manifest({{.run_id = "going", .command = until_released}});
  (void)sweeps.start();
  REQUIRE(sweeps.waits_for_start("going"));
  CHECK(code_of(sweeps.space.run({"sweep-stop"})) == 9);
  CHECK(code_of(sweeps.space.run({"sweep-stop", "--yes"})) == 0);
}

TEST_CASE("a dry sweep-start asks the target and changes nothing there") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "ok"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  sweeps.manifest({{.run_id = "ok"}, {.run_id = "more", .command = until_released}});
  const std::string before = dump_json(sweeps.space.state());

  const Json plan = sweeps.space.data({"-n", "sweep-start"});
  CHECK(flag_at(plan, "legal"));
  CHECK(text_at(plan, "state") == "SWEEP_COMPLETED");
  CHECK(member(plan, "run") == Json({"more"}));
  CHECK(number_at(plan, "rows") == 2);
  CHECK(contains(sweeps.space.run({"-n", "sweep-start"}).out, "would start 1 of 2 rows"));
  CHECK(dump_json(sweeps.space.state()) == before);
  CHECK_FALSE(fs::exists(sweeps.run_dir("more")));

  const Json started = sweeps.start();
  CHECK(text_at(sweeps.space.data({"-n", "sweep-start"}), "running") ==
        text_at(started, "campaign"));
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");

  (void)sweeps.space.data({"fsm-reset", "POD_READY"});
  const Json refused = sweeps.space.json({"-n", "sweep-start"});
  CHECK(text_at(member(refused, "error"), "code") == "illegal_state");
  CHECK_FALSE(flag_at(member(refused, "data"), "legal", true));
  CHECK(text_at(member(refused, "data"), "state") == "POD_READY");
}

TEST_CASE("a run's summary has a schema of its own, and the one of before is read too") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "one", .command = "false"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  Json summary = sweeps.space.run_summary("one");
  CHECK(text_at(summary, "schema") == "workflow.run-summary/1");
  summary["schema"] = "workflow.task/1";
  real_files().write(sweeps.run_dir("one") / "summary.json", pretty_json(summary));
  CHECK(code_of(sweeps.space.run({"why", "one"})) == 0);
}

TEST_CASE("a summary that is not ours is refused by name") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "one", .command = "false"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const fs::path file = sweeps.run_dir("one") / "summary.json";
  for (const char* bytes : {"[]", "7", "{\"loss\":0.5}", "{\"schema\":\"workflow.run-summary/2\"}",
                            "{\"schema\":", ""}) {
    INFO(bytes);
    real_files().write(file, bytes);
    const Captured why = sweeps.space.run({"why", "one"});
    INFO(why.err);
    CHECK(code_of(why) == 7);
    CHECK(contains(why.err, file.string()));
    CHECK_FALSE(contains(why.err, "json.exception"));
    CHECK(read_file(file) == bytes);
  }
  real_files().write(file, "{\"schema\":\"workflow.run-summary/1\",\"gpus\":[1,{}],\"failure\":7}");
  CHECK(code_of(sweeps.space.run({"why", "one"})) == 0);
}

TEST_CASE("a run whose directory is a symlink is refused, and nothing is written through it") {
  const Sweeps sweeps;
  fs::create_directories(sweeps.space.dir() / "away");
  fs::create_directory_symlink(sweeps.space.dir() / "away", sweeps.run_dir("one"));
  sweeps.manifest({{.run_id = "one"}});
  const Captured start = sweeps.space.run({"sweep-start"});
  INFO(start.err);
  CHECK(code_of(start) == 7);
  CHECK(contains(start.err, "is a symlink"));
  CHECK(fs::is_empty(sweeps.space.dir() / "away"));
}
