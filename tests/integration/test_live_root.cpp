#include <catch2/catch.hpp>

#include "tests/support/answers.h"
#include "tests/support/bucket.h"
#include "tests/support/sweeps.h"

// The outputs directory on a file system like s3fs: records live on the pod's own disk, and their
// mirror counts where that is gone.
namespace workflow::test {
namespace {

std::string sweep_row(const std::string& id, const std::string& command) {
  return id + "," + csv_field(command) + "\n";
}

constexpr const char* rows_by_bash =
    "TRAIN_COMMAND_TEMPLATE='eval \"$OVERRIDES\"'\n"
    "SWEEP_MAX_RETRIES=0\n";

}  // namespace

TEST_CASE("a sweep on s3fs: killed, resumed, completed, and known to the next pod") {
  need_private_mounts();
  Bucket at(rows_by_bash);
  at.space.make_repo({{"README", "x\n"}});
  at.space.check_out();
  const fs::path live = at.live();
  CHECK(contains(live.string(), (at.space.home() / ".workflow/live/").string()));
  CHECK(fs::path(text_at(at.space.data({"fsm-status"}), "state_file")) ==
        live / "_control/workflow_state.json");
  CHECK(at.mirrors(live, "_control/workflow_state.json"));

  const Captured task = at.space.run({"task-run", "--id", "t1", "--wait", "--", "echo", "hello"});
  CHECK(task.ok());
  CHECK(contains(at.space.run({"task-logs", "t1"}).out, "hello"));
  CHECK(at.mirrors(live, "_tasks/t1/status.json"));

  at.space.write("sweep.csv", "run_id,overrides\n" +
                                  sweep_row("a",
                                            "echo said; cd \"$TRAIN_OUT_DIR\"; echo 1 >ckpt.pt; "
                                            "printf '{\"best\":1}' >summary.json") +
                                  sweep_row("b", until_released) + sweep_row("c", "exit 3"));
  const std::string campaign = text_at(at.space.data({"sweep-start"}), "campaign");
  const auto running = [&] {
    const auto bytes = real_files().read(live / "b/status.json");
    return bytes && text_at(parse_json(*bytes, "b"), "state") == "running";
  };
  REQUIRE(eventually(running));
  const Json executor = member(at.space.data({"sweep-status"}), "executor");
  Sweeps::kill_hard(static_cast<pid_t>(number_at(executor, "pid")));
  REQUIRE(eventually_is([&] { return text_at(at.space.data({"fsm-status"}), "state"); },
                        "SWEEP_STALLED"));
  CHECK(flag_at(at.space.data({"sweep-start"}), "resumed"));
  at.space.write("home/released", "");
  REQUIRE(eventually_is([&] { return text_at(at.space.data({"fsm-status"}), "state"); },
                        "SWEEP_COMPLETED"));
  CHECK(contains(at.space.run({"why", "c"}).out, "exit 3"));
  const Json summary = parse_json(read_file(live / "a/summary.json"), "summary");
  CHECK(member(member(summary, "trainer"), "best") == 1);
  CHECK(read_file(at.behind("a/out/ckpt.pt")) == "1\n");
  CHECK_FALSE(fs::exists(at.behind("a/.supervisor")));
  CHECK(at.mirrors(live, "a/summary.json"));
  CHECK(at.mirrors(live, "a/stdout.log"));
  CHECK(at.mirrors(live, "_campaigns/" + campaign + "/rows.jsonl"));
  CHECK(at.mirrors(live, "_control/workflow_state.json"));
  CHECK(at.mirrors(live, "_control/mirror-files.json"));

  // Records come from the live root, out/ from where it is to stay; what is cleaned goes in both.
  REQUIRE(at.space.run({"fetch-run", "a", "--checkpoints"}).ok());
  const std::string fetched = "artifacts/pod_logs/a/";
  CHECK(at.space.read(fetched + "stdout.log") == "said\n");
  CHECK(at.space.read(fetched + "out/ckpt.pt") == "1\n");
  CHECK(fs::exists(at.behind("_tasks/t1")));
  REQUIRE(at.space.run({"-y", "clean", "tasks", "--older", "0"}).ok());
  CHECK_FALSE(fs::exists(live / "_tasks/t1"));
  CHECK_FALSE(fs::exists(at.behind("_tasks/t1")));

  at.new_pod();
  const Json busy = at.space.json({"fsm-status"});
  INFO(busy.dump());
  CHECK(code_of(busy) == 5);
  CHECK(contains(text_at(member(busy, "error"), "message"), "wrote its state into"));
  at.age_stamp();
  const Json state = at.space.data({"fsm-status"});
  CHECK(text_at(state, "state") == "POD_READY");
  CHECK(text_at(state, "recorded_state") == "SWEEP_COMPLETED");
  CHECK(contains(text_at(state, "correction"), "another pod"));
  const Json counts = member(at.space.data({"sweep-status", "--all"}), "counts");
  CHECK(number_at(counts, "success") == 2);
  CHECK(number_at(counts, "failed") == 1);
  CHECK(contains(at.space.run({"run-logs", "a"}).out, "said"));
  CHECK(contains(at.space.run({"why", "c"}).out, "exit 3"));
  CHECK(at.space.run({"pod-status"}).ok());
}

TEST_CASE("what went on a pod that is gone is lost, and its id is free again") {
  need_private_mounts();
  Bucket at;
  (void)at.space.data({"task-run", "--id", "long", "--", "sleep", "300"});
  REQUIRE(at.mirrors(at.live(), "_tasks/long/spec.json"));
  at.new_pod();
  at.age_stamp();
  const Json task = at.space.data({"task-status", "long"});
  CHECK(text_at(task, "state") == "lost");
  CHECK(contains(text_at(task, "reason"), "last heard of at 2026-01-01"));
  CHECK(text_at(task, "ended_at") == "2026-01-01T00:00:00.000Z");
  CHECK(at.space.run({"task-run", "--id", "long", "--force", "--wait", "--", "true"}).ok());
}

TEST_CASE("a torn record of the mirror is seen, and the whole one beside it counts") {
  need_private_mounts();
  Bucket at;
  (void)at.space.data({"pod-up"});
  const fs::path live = at.live();
  REQUIRE(at.mirrors(live, "_control/workflow_state.json"));
  at.s3.tear("workflow_state.json");
  const Captured reset = at.space.run({"fsm-reset", "BOOTSTRAPPED"});
  INFO(reset.err);
  CHECK(reset.ok());
  CHECK(contains(reset.err, "is behind since"));
  const auto mirror = [&] { return member(at.space.data({"fsm-status"}), "mirror"); };
  CHECK(contains(text_at(mirror(), "reason"), "workflow_state.json"));
  const fs::path file = at.behind("_control/workflow_state.json");
  CHECK(!json_fault(read_file(file)).empty());

  at.new_pod();
  at.age_stamp();
  CHECK(text_at(at.space.data({"fsm-status"}), "recorded_state") == "BOOTSTRAPPED");
  at.s3.tear("");
  REQUIRE(at.space.run({"pod-status"}).ok());
  REQUIRE(at.mirrors(at.live(), "_control/workflow_state.json"));

  at.new_pod();
  at.age_stamp();
  real_files().write(file, read_file(file).substr(0, 40));
  const Json refused = at.space.json({"pod-status"});
  INFO(refused.dump());
  CHECK(code_of(refused) == 7);
  CHECK(contains(text_at(member(refused, "error"), "message"), "workflow_state.json"));
}

}  // namespace workflow::test
