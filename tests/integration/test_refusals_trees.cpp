// Refusals around trees that are pushed and fetched; see test_refusals.cpp for the others.
#include <catch2/catch.hpp>

#include "common/file_lock.h"
#include "tests/support/bucket.h"
#include "tests/support/sweeps.h"

namespace workflow::test {
namespace {

void refused(const Workspace& space, const std::vector<std::string>& words, int code,
             const std::string& says) {
  const Captured done = space.run(words);
  INFO(done.out << done.err);
  CHECK(done.status.code == code);
  CHECK(done.err.find(says) != std::string::npos);
}

fs::path only_snapshot(const Workspace& space) {
  for (const auto& entry : fs::directory_iterator(space.outputs() / "_snapshots")) {
    if (entry.path().filename().string().front() != '.') return entry.path();
  }
  return {};
}

}  // namespace

TEST_CASE("a tree that cannot be pushed as it is meant is told") {
  Workspace space;
  space.set("CHECKOUT_SOURCE=push");
  space.write("train.py", "print(1)\n");
  for (const char* command : {"pod-up", "bootstrap"}) (void)space.data({command});
  space.set("EXPECT_GIT_SHA=abc1234");
  refused(space, {"checkout"}, 7, "the pushed tree is of no git repository");
  space.set("EXPECT_GIT_SHA=");
  const fs::path snapshot = only_snapshot(space);
  REQUIRE_FALSE(snapshot.empty());
  real_files().write(snapshot / "files/train.py", "print(2)\n");
  refused(space, {"checkout"}, 7, "is not as it was pushed");
  real_files().append(snapshot / "list.jsonl", "{}\n");
  refused(space, {"checkout"}, 7, "is damaged");
  fs::remove_all(snapshot);
  (void)space.data({"checkout"});
  fs::create_directory(space.dir() / ".git");
  space.write(".git/HEAD", "ref: refs/heads/main\n");
  space.write(".git/config", "[core]\n\tbare = maybe\n");
  fs::create_directories(space.dir() / ".git/objects");
  fs::create_directories(space.dir() / ".git/refs");
  refused(space, {"push"}, 7, "failed in '");
  fs::remove_all(space.dir() / ".git");
  space.write("home/workflow.env", "WF_TARGET=local\nOPS_REMOTE_OUTPUTS_DIR=/tmp/none\n");
  refused(space, {"--config", "home/workflow.env", "push"}, 9, "push would ship all of '");
}

TEST_CASE("what stands in the place of a fetched run is left, and one fetch waits for another") {
  Sweeps sweeps;
  sweeps.manifest({{.run_id = "a"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  sweeps.space.set("TRAIN_WORKDIR_REL=nope");
  sweeps.manifest({{.run_id = "b"}});
  refused(sweeps.space, {"sweep-start"}, 7, "TRAIN_WORKDIR_REL is 'nope'");
  sweeps.space.write("artifacts/pod_logs/a", "a file of mine");
  refused(sweeps.space, {"fetch-run", "a"}, 1, "is no directory; it was left as it is");
  CHECK(sweeps.space.read("artifacts/pod_logs/a") == "a file of mine");
  const auto lock = FileLock::try_take(sweeps.space.dir() / "artifacts/pod_logs/.fetch.lock");
  REQUIRE(lock.has_value());
  refused(sweeps.space, {"fetch-run", "a"}, 5, "another fetch into '");
}

TEST_CASE("records that are no mirror are not taken for one") {
  need_private_mounts();
  const Bucket at;
  fs::create_directories(at.behind("_control"));
  real_files().write(at.behind("_control/workflow_state.json"), "{}\n");
  refused(at.space, {"pod-up"}, 7, "has records that are no mirror");
}

}  // namespace workflow::test
