#include <catch2/catch.hpp>

#include <set>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_gpus.h"
#include "tests/support/sweeps.h"

// Rows side by side on (fake) GPUs that others want as well.

using namespace workflow;
using namespace workflow::test;

namespace {

/// A sweep on a pod with so many GPUs.
struct Pod {
  explicit Pod(int count, const std::string& settings)
      : sweeps(settings), gpus(sweeps.space.dir() / "smi", count) {
    sweeps.space.set(gpus.path_entry());
  }
  [[nodiscard]] std::vector<std::string> gpus_of(const std::string& run) const {
    return member(sweeps.space.run_status(run), "gpus").get<std::vector<std::string>>();
  }
  [[nodiscard]] Json executor() const { return member(sweeps.status(), "executor"); }
  [[nodiscard]] std::string left_out() const { return dump_json(member(executor(), "left_out")); }

  Sweeps sweeps;
  FakeGpus gpus;
};

/// What a row saw of the GPUs.
std::string seen_by(const Pod& pod, const std::string& run) {
  return std::string(trim(read_file(pod.sweeps.run_dir(run) / "stdout.log")));
}

const std::string patient = "echo $CUDA_VISIBLE_DEVICES; " + std::string(until_released);

}  // namespace

TEST_CASE("two rows share one GPU by halves, and the third waits for its turn") {
  const Pod pod(1, "SWEEP_GPUS_PER_RUN=1/2\n");
  pod.sweeps.manifest({{.run_id = "a", .command = patient},
                       {.run_id = "b", .command = patient},
                       {.run_id = "c", .command = patient}});
  pod.sweeps.start();
  REQUIRE(pod.sweeps.waits_for_start("a"));
  REQUIRE(pod.sweeps.waits_for_start("b"));
  CHECK(pod.sweeps.count("running") == 2);
  CHECK(pod.sweeps.starts("c") == 0);
  pod.sweeps.release();
  CHECK(pod.sweeps.end_state() == "SWEEP_COMPLETED");
  for (const char* run : {"a", "b", "c"}) CHECK(seen_by(pod, run) == FakeGpus::id(0));
}

TEST_CASE("a task's GPU is left out and named, and given out once the task has ended") {
  const Pod pod(2, "SWEEP_GPUS_PER_RUN=1\n");
  (void)pod.sweeps.space.data(
      {"task-run", "--id", "probe", "--gpus", "1", "--cmd", until_released});
  pod.sweeps.manifest({{.run_id = "a", .command = patient}, {.run_id = "b", .command = patient}});
  pod.sweeps.start();
  REQUIRE(pod.sweeps.waits_for_start("a"));
  CHECK(pod.sweeps.starts("b") == 0);
  CHECK(contains(pod.left_out(), "probe"));
  CHECK(contains(pod.left_out(), FakeGpus::id(0)));
  (void)pod.sweeps.space.data({"task-cancel", "probe"});
  CHECK(pod.sweeps.waits_for_start("b"));  // the task's GPU is free now
  pod.sweeps.release();
  CHECK(pod.sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(seen_by(pod, "a") == FakeGpus::id(1));
  CHECK(seen_by(pod, "b") == FakeGpus::id(0));
}

TEST_CASE("a GPU with somebody's process is left out, with the process as evidence") {
  Pod pod(2, "SWEEP_GPUS_PER_RUN=1\n");
  pod.gpus.put(0, 4'111'222, 20'100, "python3");
  pod.sweeps.manifest({{.run_id = "a", .command = patient}});
  pod.sweeps.start();
  REQUIRE(pod.sweeps.waits_for_start("a"));
  const std::string left_out = pod.left_out();
  INFO(left_out);
  CHECK(contains(left_out, FakeGpus::id(0)));
  CHECK(contains(left_out, "python3"));
  pod.sweeps.release();
  CHECK(pod.sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(seen_by(pod, "a") == FakeGpus::id(1));
}

TEST_CASE("two campaigns on one machine never have the same GPU, executors killed or not") {
  const Pod ours(2, "SWEEP_GPUS_PER_RUN=1\n");
  const fs::path leases = ours.sweeps.space.dir() / "gpus";
  const Pod theirs(2, "SWEEP_GPUS_PER_RUN=1\nWF_GPU_LEASE_DIR=" + leases.string() + "\n");
  ours.sweeps.manifest({{.run_id = "ours", .command = patient}});
  const Json started = ours.sweeps.start();
  REQUIRE(ours.sweeps.waits_for_start("ours"));
  // The run holds its GPU, not its executor.
  Sweeps::kill_hard(Sweeps::command_of(ours.sweeps.space.task(text_at(started, "task_id"))));
  theirs.sweeps.manifest(
      {{.run_id = "first", .command = patient}, {.run_id = "second", .command = patient}});
  theirs.sweeps.start();
  REQUIRE(theirs.sweeps.waits_for_start("first"));
  CHECK(theirs.gpus_of("first") != ours.gpus_of("ours"));
  CHECK(theirs.sweeps.starts("second") == 0);
  CHECK(contains(theirs.left_out(), "ours"));
  theirs.sweeps.release();
  CHECK(theirs.sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(theirs.gpus_of("second") == theirs.gpus_of("first"));
  ours.sweeps.release();
  CHECK(ours.sweeps.run_to_end() == "SWEEP_COMPLETED");
}

TEST_CASE("a row that wants more GPUs than there are fails at once and says so") {
  const Pod pod(2, "SWEEP_GPUS_PER_RUN=1\n");
  pod.sweeps.manifest({{.run_id = "wide", .gpus = "3"}, {.run_id = "good"}});
  CHECK(pod.sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(pod.sweeps.starts("wide") == 0);
  CHECK(pod.sweeps.starts("good") == 1);
  for (const auto& run : member(pod.sweeps.status(), "runs")) {
    if (text_at(run, "run_id") != "wide") continue;
    CHECK(text_at(run, "state") == "failed");
    CHECK(contains(text_at(run, "reason"), "3 GPUs; this machine has 2 GPUs"));
  }
}
