// Operations on a sweep that is going, and on one that has ended.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/live_rows.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

TEST_CASE("a run is stopped, goes on from where it was, and the sweep ends with it") {
  const Sweeps sweeps("SWEEP_SLOTS=2\nKILL_GRACE_SECS=5\n");
  sweeps.manifest({{.run_id = "a", .command = saving},
                   {.run_id = "b", .command = until_released},
                   {.run_id = "c", .command = "true"}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  REQUIRE(sweeps.waits_for_start("b"));

  const Json pending = sweeps.space.json({"run-stop", "c"});
  CHECK(op_state(pending) == "completed");
  CHECK(state_of(sweeps, "c") == "stopped");

  const Captured stopped = sweeps.space.run({"run-stop", "a"});
  CHECK(code_of(stopped) == 0);
  CHECK(contains(stopped.out, "a stopped"));
  CHECK(contains(stopped.err, "from checkpoint ckpt.ckpt"));
  CHECK(state_of(sweeps, "a") == "stopped");
  CHECK(contains(text_at(sweeps.space.run_summary("a"), "reason"), "stopped by "));
  CHECK(flag_at(sweeps.space.run_summary("a"), "resumable"));
  CHECK(state_of(sweeps, "b") == "running");

  const Json again = sweeps.space.json({"run-stop", "a"});
  CHECK(code_of(again) == 0);
  CHECK(op_state(again) == "skipped");
  CHECK(text_at(member(again, "data"), "reason") == "it is stopped already");

  const Json resumed = sweeps.space.json({"run-resume", "a"});
  CHECK(op_state(resumed) == "completed");
  CHECK(text_at(member(result_of(resumed), "checkpoint"), "path") == "ckpt.ckpt");
  REQUIRE(sweeps.waits_for_start("a", 2));
  CHECK(fs::exists(sweeps.run_dir("a") / "out/ckpt.ckpt"));
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(state_of(sweeps, "a") == "success");
  CHECK(sweeps.starts("c") == 0);

  const Json refused = sweeps.space.json({"run-resume", "a"});
  CHECK(code_of(refused) == 7);
  CHECK(message_of(refused).ends_with("skipped: it has ended well; run-clone runs it once more"));
}

TEST_CASE("a clone runs beside its sweep and after its end, with its parent recorded") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "base", .command = "lr=0.1 tag='two words'"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const Json cloned = sweeps.space.json(
      {"run-clone", "base", "--set", "lr=0.5", "--set", "env.TAG=it's", "--set", "seed=7"});
  CHECK(op_state(cloned) == "completed");
  CHECK(text_at(result_of(cloned), "run_id") == "base-c2");
  CHECK(number_at(result_of(cloned), "n") == 2);
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(state_of(sweeps, "base-c2") == "success");
  const Json status = sweeps.space.run_status("base-c2");
  CHECK(split_words(text_at(status, "overrides")) ==
        std::vector<std::string>{"lr=0.5", "tag=two words"});
  CHECK(number_at(status, "seed") == 7);
  CHECK(text_at(member(sweeps.space.run_summary("base-c2"), "origin"), "parent") == "base");

  const Json cold = sweeps.space.json({"run-clone", "base", "--warm-start"});
  CHECK(code_of(cold) == 7);
  CHECK(contains(
      message_of(cold),
      "out/ holds no checkpoint of a known name (*.pt *.pth *.ckpt *.safetensors checkpoint*/)"));
  put(sweeps.run_dir("base") / "out/model.ckpt", "weights");
  const Json warm = sweeps.space.json(
      {"run-clone", "base", "--warm-start", "--name", "warm", "--set", "notes=on from there"});
  CHECK(op_state(warm) == "completed");
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(contains(sweeps.space.read(".workflow/outputs/warm/spec.json"),
                 base64("WF_WARM_START_FROM=" + (sweeps.run_dir("base") / "out").string())));

  CHECK(code_of(sweeps.space.json({"run-clone", "base", "--name", "warm"})) == 8);
  CHECK(code_of(sweeps.space.json({"run-clone", "base", "--set", "seed=one"})) == 2);
  CHECK(code_of(sweeps.space.json({"run-clone", "nobody"})) == 6);
  CHECK(code_of(sweeps.space.json({"run-stop", "bass"})) == 6);
  CHECK(sweeps.starts("base") == 1);
}

TEST_CASE("a deleted run is ended, and kept in the trash until that is emptied") {
  const Sweeps sweeps("KILL_GRACE_SECS=5\n");
  sweeps.manifest({{.run_id = "a", .command = saving}, {.run_id = "b", .command = "true"}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  const pid_t command = sweeps.command_of(sweeps.space.run_status("a"));
  CHECK(op_state(sweeps.space.json({"-y", "run-delete", "a"})) == "completed");
  CHECK_FALSE(process_lives(command));
  CHECK(state_of(sweeps, "a") == "deleted");
  CHECK_FALSE(fs::exists(sweeps.run_dir("a")));
  REQUIRE(trash_of(sweeps).size() == 1);
  CHECK(trash_of(sweeps)[0].ends_with("-a"));
  CHECK(fs::exists(sweeps.space.outputs() / "_trash" / trash_of(sweeps)[0] / "out/ckpt.ckpt"));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");

  CHECK(code_of(sweeps.space.json({"run-resume", "a"})) == 7);
  CHECK(op_state(sweeps.space.json({"-y", "run-delete", "a"})) == "skipped");
  // Nobody runs any more, and nobody is started for it.
  CHECK(op_state(sweeps.space.json({"-y", "run-delete", "b"})) == "completed");
  CHECK(text_at(sweeps.space.state(), "state") == "SWEEP_COMPLETED");
  CHECK(text_at(member(sweeps.status(), "executor"), "state") == "gone");
  CHECK(code_of(sweeps.space.run({"clean", "--yes", "trash"})) == 0);
  CHECK(trash_of(sweeps).empty());
}
