// What a training, a neighbour or a killed client may do to a sweep, and what must still be so.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

std::string code_of(const Json& document) { return text_at(member(document, "error"), "code"); }

/// A state record whose last change never came to the disk: as a client leaves it that is killed
/// between the start of an executor and the write.
void forget_last_change(const Sweeps& sweeps, const std::string& before) {
  real_files().write(sweeps.space.outputs() / "_control" / "workflow_state.json", before);
}

}  // namespace

TEST_CASE("an executor that the state does not name starts nothing") {
  const Sweeps sweeps("SWEEP_MAX_CONSECUTIVE_FAILURES=0\n");
  sweeps.manifest({{.run_id = "a", .command = until_released}});
  const std::string before = read_file(sweeps.space.outputs() / "_control" / "workflow_state.json");
  const Json started = sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  // Its like, for a campaign that the state has forgotten: the same directory, started again.
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task(text_at(started, "task_id"))));
  forget_last_change(sweeps, before);
  CaptureSpec spec;
  spec.argv = {agent_program(), "execute",
               sweeps.campaign_dir(text_at(started, "campaign")).string()};
  spec.env = sweeps.space.environment();
  const Captured executor = capture(spec);
  CHECK(executor.status.code == 1);
  CHECK(executor.out.find("does not name this executor") != std::string::npos);
  CHECK(sweeps.starts() == 1);
  sweeps.release();
}

TEST_CASE("a sweep that stalled with living runs lets no other manifest start") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a", .command = until_released}});
  const Json started = sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task(text_at(started, "task_id"))));
  REQUIRE(eventually_is([&] { return text_at(sweeps.truth(), "state"); }, "SWEEP_STALLED"));
  sweeps.manifest({{.run_id = "z"}});
  CHECK(code_of(sweeps.space.json({"sweep-start"})) == "busy");
  CHECK(code_of(sweeps.space.json({"bootstrap"})) == "busy");
  CHECK(sweeps.starts("z") == 0);
  sweeps.release();
}

TEST_CASE("fsm-reset under a living sweep is refused without --yes") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a", .command = until_released}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  CHECK(code_of(sweeps.space.json({"fsm-reset"})) == "refused");
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  CHECK(flag_at(sweeps.space.json({"fsm-reset", "--yes"}), "ok"));
  sweeps.release();
}

TEST_CASE("a damaged index is told and never read as a sweep that has ended") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a", .command = until_released}});
  const Json started = sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  real_files().write(sweeps.campaign_dir(text_at(started, "campaign")) / "rows.jsonl", "");
  const Json status = sweeps.space.json({"fsm-status"});
  CHECK(code_of(status) == "precondition");
  CHECK(text_at(member(status, "error"), "message").find("rows.jsonl") != std::string::npos);
  CHECK(code_of(sweeps.space.json({"bootstrap"})) == "precondition");
  sweeps.release();
}

TEST_CASE("a run that deletes its own directory is lost, and the sweep goes on") {
  const Sweeps sweeps("SWEEP_MAX_RETRIES=0\n");
  sweeps.manifest(
      {{.run_id = "gone", .command = "rm -rf \"$(dirname \"$TRAIN_OUT_DIR\")\""}, {.run_id = "b"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("lost") == 1);
  CHECK(sweeps.count("success") == 1);
  CHECK(sweeps.starts("gone") == 1);
}

TEST_CASE("a FIFO in place of the metrics holds nobody") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "fifo",
                    .command = "rm -f \"$WF_METRICS_FILE\"; mkfifo \"$WF_METRICS_FILE\" "
                               "\"$TRAIN_OUT_DIR/summary.json\""}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == 1);
}

TEST_CASE("deeply nested metrics are passed over") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "deep",
                    .command = "printf '{\"a\":%0.s' $(seq 5000) >\"$WF_METRICS_FILE\"; printf "
                               "'1%0.s' 1 >>\"$WF_METRICS_FILE\"; printf '}%0.s' $(seq 5000) "
                               ">>\"$WF_METRICS_FILE\""}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(fs::file_size(sweeps.run_dir("deep") / "summary.json") < 100'000);
}

TEST_CASE("a secret that a training prints stands in its log and in no record") {
  const Sweeps sweeps("WF_SECRETS=MYTOK\nSWEEP_MAX_RETRIES=0\n", {"MYTOK=s3cr3t-value-xyz"});
  sweeps.manifest({{.run_id = "leak",
                    .command = "echo \"RuntimeError: bad token $MYTOK\"; echo "
                               "\"{\\\"$MYTOK\\\":1}\" >\"$WF_METRICS_FILE\"; exit 1"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("failed") == 1);
  CHECK(read_file(sweeps.run_dir("leak") / "stdout.log").find("s3cr3t") != std::string::npos);
  for (const auto& entry : fs::recursive_directory_iterator(sweeps.space.outputs())) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().filename();
    if (name == "stdout.log" || name == "metrics.jsonl") continue;  // the training's own words
    CAPTURE(entry.path());
    CHECK(read_file(entry.path()).find("s3cr3t") == std::string::npos);
  }
}

TEST_CASE("a task that a task starts outlives it") {
  const Workspace space;
  const std::string inner = shell_quote(workflow_program()) + " task-run --id inner -- sleep 60";
  CHECK(flag_at(space.json({"task-run", "--wait", "--id", "outer", "--cmd", inner}), "ok"));
  CHECK(text_at(space.data({"task-status", "inner"}), "state") == "running");
}
