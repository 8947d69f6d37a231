// Rows under the real torchrun: Debian's python3-torch, several ranks with gloo on the CPU.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tasks/process.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

const fs::path fixture = fs::path(WORKFLOW_SOURCE_DIR) / "tests/fixtures/torchrun";

/// A workspace whose repository is the training, its virtual environment on Debian's python.
class Trainings {
 public:
  explicit Trainings(const std::string& settings = {}, const std::string& gpus = {})
      : space("REMOTE_PYTHON_BIN=/usr/bin/python3\nSWEEP_NPROC=2\nSWEEP_MAX_RETRIES=0\n" +
              settings) {
    space.set("PYTHONPATH=" + fixture.string());
    space.set("OMP_NUM_THREADS=1");
    space.set("WANDB_MODE=offline");
    if (!gpus.empty()) space.set("CUDA_VISIBLE_DEVICES=" + gpus);
    space.make_repo({{"train.py", read_file(fixture / "train.py")}, {"config/line.py", "\n"}});
  }

  void start(const std::string& rows) const {
    space.check_out();
    space.write("sweep.csv", "run_id,config,seed,overrides,timeout_secs\n" + rows);
    (void)space.data({"sweep-start"});
  }
  /// Starts the rows and waits for the end of the sweep.
  [[nodiscard]] std::string run(const std::string& rows) const {
    start(rows);
    (void)space.run({"-q", "sweep-watch"});
    return text_at(space.state(), "state");
  }
  [[nodiscard]] std::string log(const std::string& run) const {
    return real_files().read(space.outputs() / run / "stdout.log").value_or("");
  }

  Workspace space;
};

void trained_on_two_ranks(const Trainings& trainings) {
  const Json summary = trainings.space.run_summary("two");
  INFO(trainings.log("two"));
  CHECK(flag_at(summary, "ok"));
  const Json& trainer = member(summary, "trainer");
  CHECK(number_at(trainer, "world_size") == 2);
  CHECK(text_at(trainer, "config") == "config/line.py");
  const Json& given = member(trainer, "given");
  CHECK(text_at(given, "seed") == "7");
  CHECK(text_at(given, "note") == "two words");
  CHECK(text_at(given, "wandb_log") == "auto");
  CHECK(text_at(given, "wandb_group") == text_at(summary, "campaign_id"));
  CHECK(text_at(given, "wandb_run_name") == "two");
  CHECK(text_at(given, "wandb_project") == "lines");
  CHECK(number_at(member(summary, "metrics"), "step") == 30);
  for (const char* rank : {"rank 0 of 2", "rank 1 of 2"}) {
    CHECK(trainings.log("two").find(rank) != std::string::npos);
  }
  CHECK(fs::exists(trainings.space.outputs() / "two" / "out" / "final.pt"));
}

void told_the_guilty_rank(const Trainings& trainings) {
  const Json summary = trainings.space.run_summary("bad");
  INFO(trainings.log("bad"));
  CHECK(text_at(summary, "state") == "failed");
  CHECK(text_at(member(summary, "failure"), "class") == "assertion");
  CHECK(text_at(member(summary, "failure"), "line") ==
        "AssertionError: rank 1 found a wrong shape");
  CHECK(member(summary, "trainer").is_null());
}

void left_no_rank_behind(const Trainings& trainings) {
  const Json summary = trainings.space.run_summary("late");
  INFO(trainings.log("late"));
  CHECK(trainings.log("late").find("rank 1 of 2") != std::string::npos);
  CHECK(text_at(summary, "state") == "timed_out");
  CHECK(member(summary, "survivors").empty());
  CHECK(tasks::carrying("RUN_ID=late").empty());
}

}  // namespace

TEST_CASE("rows train on two ranks, fail by the guilty one's words, and end with all their ranks") {
  const Trainings trainings("SWEEP_WANDB=1\nWANDB_PROJECT=lines\nKILL_GRACE_SECS=1\n");
  CHECK(trainings.run("two,config/line.py,7,steps=30 note='two words',\n"
                      "bad,config/line.py,1,fail_rank=1,\n"
                      "late,config/line.py,1,deaf=1 wait_for=/never,12\n") == "SWEEP_COMPLETED");
  trained_on_two_ranks(trainings);
  told_the_guilty_rank(trainings);
  left_no_rank_behind(trainings);
}

TEST_CASE("four rows side by side have rendezvous of their own") {
  const Trainings trainings("SWEEP_GPUS_PER_RUN=1\n", "0,1,2,3");
  const fs::path outputs = trainings.space.outputs();
  // The first goes on until the last trains too, and ends while the others still train: what they
  // shared, a port or an endpoint, would end with it.
  const std::string last = (outputs / "fourth" / "metrics.jsonl").string();
  const std::string first = (outputs / "first" / "summary.json").string();
  std::string rows = "first,config/line.py,1,wait_for='" + last + "',\n";
  for (const char* run : {"second", "third", "fourth"}) {
    rows += std::string(run) + ",config/line.py,2,wait_for='" + first + "',\n";
  }
  CHECK(trainings.run(rows) == "SWEEP_COMPLETED");
  for (const char* run : {"first", "second", "third", "fourth"}) {
    INFO(trainings.log(run));
    const Json summary = trainings.space.run_summary(run);
    CHECK(flag_at(summary, "ok"));
    CHECK(number_at(summary, "attempt", 1) == 1);
  }
}

TEST_CASE("a rank that saves when it is stopped has its time, whatever torchrun would leave it") {
  Trainings trainings("KILL_GRACE_SECS=30\n");
  trainings.space.set("TORCHRUN_GRACE=1");
  trainings.start("slow,config/line.py,1,save_secs=4 wait_for=/never,\n");
  REQUIRE(eventually([&] { return contains(trainings.log("slow"), "rank 1 has trained"); }));
  (void)trainings.space.data({"sweep-stop", "--yes"});
  const Json summary = trainings.space.run_summary("slow");
  INFO(trainings.log("slow"));
  CHECK(text_at(summary, "state") == "stopped");
  CHECK(contains(trainings.log("slow"), "rank 0 has saved"));
  CHECK(fs::exists(trainings.space.outputs() / "slow/out/ckpt.pt"));
  CHECK(contains(text_at(summary, "reason"), "ended by TERM"));
  CHECK(tasks::carrying("RUN_ID=slow").empty());
}
