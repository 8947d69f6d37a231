// Operations on a sweep that is going, on one that has ended, and on one whose executor was killed.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/sweeps.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// Writes a checkpoint, then goes on until it is released; told to end, it ends.
const std::string saving =
    "mkdir -p \"$TRAIN_OUT_DIR\"; echo weights > \"$TRAIN_OUT_DIR/ckpt.ckpt\"; " +
    std::string(until_released);
/// Hears no TERM.
const std::string deaf = "trap '' TERM; " + std::string(until_released);

std::string op_state(const Json& document) { return text_at(member(document, "data"), "state"); }
const Json& result_of(const Json& document) { return member(member(document, "data"), "result"); }

Json operation(const Sweeps& sweeps, long long id) {
  return member(sweeps.space.data({"sweep-ops", std::to_string(id)}), "operations").at(0);
}

Json row_of(const Sweeps& sweeps, const std::string& run_id, const std::string& state = {}) {
  const Json status = sweeps.status();
  for (const auto& run : member(status, "runs")) {
    if (text_at(run, "run_id") == run_id && (state.empty() || text_at(run, "state") == state)) {
      return run;
    }
  }
  return nullptr;
}

std::string state_of(const Sweeps& sweeps, const std::string& run_id) {
  return text_at(row_of(sweeps, run_id), "state");
}

pid_t executor_of(const Sweeps& sweeps) {
  return static_cast<pid_t>(number_at(member(sweeps.status(), "executor"), "pid"));
}

std::vector<std::string> trash_of(const Sweeps& sweeps) {
  return real_files().list(sweeps.space.outputs() / "_trash");
}

}  // namespace

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
  CHECK(contains(message_of(cold), "there is no checkpoint in out/"));
  put(sweeps.run_dir("base") / "out/model.ckpt", "weights");
  const Json warm = sweeps.space.json(
      {"run-clone", "base", "--warm-start", "--name", "warm", "--set", "notes=on from there"});
  CHECK(op_state(warm) == "completed");
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(contains(sweeps.space.read(".workflow/outputs/warm/spec.json"),
                 "WF_WARM_START_FROM=" + (sweeps.run_dir("base") / "out").string()));

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
  CHECK(op_state(sweeps.space.json({"run-delete", "a"})) == "completed");
  CHECK_FALSE(process_lives(command));
  CHECK(state_of(sweeps, "a") == "deleted");
  CHECK_FALSE(fs::exists(sweeps.run_dir("a")));
  REQUIRE(trash_of(sweeps).size() == 1);
  CHECK(trash_of(sweeps)[0].ends_with("-a"));
  CHECK(fs::exists(sweeps.space.outputs() / "_trash" / trash_of(sweeps)[0] / "out/ckpt.ckpt"));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");

  CHECK(code_of(sweeps.space.json({"run-resume", "a"})) == 7);
  CHECK(op_state(sweeps.space.json({"run-delete", "a"})) == "skipped");
  // Nobody runs any more, and nobody is started for it.
  CHECK(op_state(sweeps.space.json({"run-delete", "b"})) == "completed");
  CHECK(text_at(sweeps.space.state(), "state") == "SWEEP_COMPLETED");
  CHECK(text_at(member(sweeps.status(), "executor"), "state") == "gone");
  CHECK(code_of(sweeps.space.run({"clean", "--yes", "trash"})) == 0);
  CHECK(trash_of(sweeps).empty());
}

TEST_CASE("operations wait for no executor that was killed, and the next one goes on with them") {
  const Sweeps sweeps("SWEEP_SLOTS=2\nKILL_GRACE_SECS=2\n");
  sweeps.manifest({{.run_id = "a", .command = saving},
                   {.run_id = "b", .command = deaf},
                   {.run_id = "c", .command = "true"}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  REQUIRE(sweeps.waits_for_start("b"));
  Sweeps::kill_hard(executor_of(sweeps));

  CHECK(op_state(sweeps.space.json({"run-stop", "a"})) == "completed");
  CHECK(state_of(sweeps, "a") == "stopped");
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_STALLED");
  CHECK(op_state(sweeps.space.json({"run-delete", "c"})) == "completed");

  // What was begun when nobody waited any more is finished by whoever comes next.
  const Json begun = sweeps.space.json({"run-stop", "b", "--grace", "3", "--no-wait"});
  const long long id = number_at(member(begun, "data"), "id");
  CHECK(code_of(begun) == 0);
  CHECK(op_state(sweeps.space.json({"run-resume", "a"})) == "completed");
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  CHECK(eventually_is([&] { return text_at(operation(sweeps, id), "state"); }, "completed"));
  CHECK(state_of(sweeps, "b") == "stopped");
  CHECK(contains(text_at(sweeps.space.run_summary("b"), "reason"), "KILL after 3 s"));
  REQUIRE(sweeps.waits_for_start("a", 2));
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts("a") == 2);
  CHECK(sweeps.starts("b") == 1);
  CHECK(sweeps.starts("c") == 0);
}

TEST_CASE("an executor that is killed amid an operation leaves it to the next one") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "deaf", .command = deaf}, {.run_id = "next"}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("deaf"));
  const Json asked = sweeps.space.json({"run-stop", "deaf", "--grace", "3", "--no-wait"});
  const long long id = number_at(member(asked, "data"), "id");
  REQUIRE(eventually_is([&] { return text_at(operation(sweeps, id), "state"); }, "processing"));
  Sweeps::kill_hard(executor_of(sweeps));
  sweeps.start();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(text_at(operation(sweeps, id), "state") == "completed");
  CHECK(state_of(sweeps, "deaf") == "stopped");
  CHECK(sweeps.starts("deaf") == 1);
}

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
                                                {"run-delete", "a"}}) {
    INFO(words[0]);
    CHECK(code_of(sweeps.space.json(words)) == 3);
  }
  CHECK(code_of(sweeps.space.json({"sweep-ops"})) == 6);
  sweeps.manifest({{.run_id = "a", .command = until_released}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  CHECK(code_of(sweeps.space.json({"sweep-ops", "7"})) == 6);
  CHECK(code_of(sweeps.space.json({"sweep-apply", "nowhere.csv"})) == 6);
  CHECK(code_of(sweeps.space.run({"sweep-stop", "--yes"})) == 0);
  CHECK(code_of(sweeps.space.json({"run-stop", "a"})) == 3);
}

TEST_CASE("Ctrl-C leaves an operation to the target, and says how it can be found") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a", .command = deaf}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  const pid_t client = sweeps.space.start({"run-stop", "a", "--grace", "4"}, "stop");
  REQUIRE(eventually([&] {
    const Json ops = sweeps.space.data({"sweep-ops"});
    return !member(ops, "operations").empty() &&
           text_at(member(ops, "operations")[0], "state") == "processing";
  }));
  ::kill(client, SIGINT);
  const auto end = end_of(client);
  REQUIRE(end);
  CHECK(end->code == 130);
  CHECK(contains(sweeps.space.read("stop"), "operation 1 goes on"));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(text_at(operation(sweeps, 1), "state") == "completed");
}
