// clean: it shows what may go, deletes that and nothing else, and follows no link.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/far_space.h"
#include "tests/support/made_runs.h"
#include "tests/support/sweeps.h"
#include "tests/support/tree.h"

namespace workflow::test {
namespace {

/// How many things of a kind `clean` told of.
long long count(const Json& data, const std::string& what) {
  for (const auto& kind : member(data, "kinds")) {
    if (text_at(kind, "what") == what) return number_at(kind, "count");
  }
  return -1;
}

}  // namespace

TEST_CASE("clean shows what may go, and deletes it only with --yes") {
  const FarSpace far(GENERATE("local", "libssh2"));
  const Workspace& space = far.space;
  const fs::path outputs = space.outputs();
  for (const char* id : {"ended", "kept"}) {
    (void)space.data({"task-run", "--id", id, "--cmd", "echo " + std::string(id)});
    (void)space.data({"task-wait", id});
  }
  const std::string go = (space.dir() / "go").string();
  (void)space.data({"task-run", "--id", "lives", "--cmd",
                    "until [ -e '" + go + "' ]; do read -t 0.05 <> <(:) || true; done"});
  (void)space.data({"task-run", "--id", "kept", "--force", "--cmd", "echo again"});
  (void)space.data({"task-wait", "kept"});
  put(outputs / "_trash/x/y", std::string(1000, 'y'));
  const fs::path run = make_run(outputs);
  put(run / "attempts/0001/stdout.log", "of the first attempt");
  const fs::path failed = make_run(outputs, {.id = "bad", .state = tasks::TaskState::failed});
  put(failed / "attempts/0001/stdout.log", "of its first attempt");
  const auto before = snapshot(outputs);

  const Json shown = space.data({"clean", "--older", "0"});
  CHECK(count(shown, "bak") == 1);
  CHECK(count(shown, "trash") == 1);
  CHECK(count(shown, "tasks") == 2);
  CHECK(count(shown, "attempts") == 1);
  CHECK(number_at(shown, "bytes") > 1000);
  CHECK_FALSE(flag_at(shown, "deleted"));
  const Captured told = far.run({"clean", "--older", "0"});
  CHECK(contains(told.out, "put aside by --force"));
  CHECK(contains(told.err, "nothing was deleted; --yes"));
  CHECK(far.run({"clean", "--older", "0", "--dry-run", "--yes"}).ok());
  CHECK((snapshot(outputs) == before));
  // By itself only what has been so for a week.
  const Json young = space.data({"clean"});
  CHECK(count(young, "tasks") == 0);
  CHECK(count(young, "bak") == 0);

  const Json one = space.data({"clean", "--yes", "--older", "0", "trash"});
  CHECK(number_at(one, "count") == 1);
  CHECK(fs::exists(space.task_dir("ended")));
  const Json all = space.data({"clean", "--yes", "--older", "0"});
  CHECK(flag_at(all, "deleted"));
  CHECK_FALSE(fs::exists(space.task_dir("ended")));
  CHECK_FALSE(fs::exists(run / "attempts/0001"));
  CHECK(fs::is_empty(outputs / "_trash"));
  CHECK(read_file(run / "stdout.log") == "what it said\n");
  CHECK(fs::exists(run / "summary.json"));
  CHECK(fs::exists(failed / "attempts/0001/stdout.log"));
  CHECK(text_at(space.task("lives"), "state") == "running");
  CHECK(number_at(space.data({"clean", "--older", "0"}), "count") == 0);
  put(go, "");
  CHECK(text_at(space.data({"task-wait", "lives"}), "state") == "success");
}

TEST_CASE("clean follows no link out of the outputs, and goes on after what it cannot delete") {
  const FarSpace far("local");
  const Workspace& space = far.space;
  put(space.dir() / "precious/data", "mine");
  fs::create_directories(space.outputs() / "_trash/a");
  fs::create_directory_symlink(space.dir() / "precious", space.outputs() / "_trash/link");
  fs::create_directory_symlink(space.dir() / "precious", space.outputs() / "_trash/a/link");
  fs::create_directory_symlink(space.dir() / "precious", space.outputs() / "_bak");
  fs::create_directory_symlink(space.dir() / "precious", space.outputs() / "_snapshots");
  const Captured told = far.run({"clean", "--yes", "--older", "0"});
  INFO(told.out << told.err);
  CHECK(told.ok());
  CHECK(contains(told.out, "deleted 2 things"));
  CHECK(read_file(space.dir() / "precious/data") == "mine");
  CHECK(fs::is_empty(space.outputs() / "_trash"));
  // The trash itself may lead elsewhere.
  fs::remove(space.outputs() / "_bak");
  put(space.outputs() / "_bak/x/20260101T000000Z/file", "old");
  fs::remove_all(space.outputs() / "_trash");
  fs::create_directory_symlink(space.dir() / "precious", space.outputs() / "_trash");
  const Captured refused = far.run({"clean", "--yes", "--older", "0"});
  INFO(refused.err);
  CHECK(refused.status.code == 1);
  CHECK(contains(refused.err, "is a symlink"));
  CHECK(read_file(space.dir() / "precious/data") == "mine");
  CHECK(fs::exists(space.outputs() / "_bak/x/20260101T000000Z/file"));
}

TEST_CASE("clean leaves half-made things that may still be at work, and what a record names") {
  const FarSpace far("local");
  const Workspace& space = far.space;
  const fs::path outputs = space.outputs();
  put(outputs / "_tasks/.new-0123/spec.json", "{}");
  put(outputs / "_control/.workflow_state.json.ab.tmp", "{}");
  put(outputs / "_snapshots/aaa/list.jsonl", "");
  put(outputs / "_snapshots/bbb/list.jsonl", "");
  put(outputs / "_campaigns/20260101T000000Z-00000001/campaign.json", "{\"tree\":\"aaa\"}");
  const Json data = space.data({"clean", "--older", "0"});
  CHECK(count(data, "leftovers") == 0);
  CHECK(count(data, "snapshots") <= 1);
  (void)far.run({"clean", "--yes", "--older", "0", "snapshots"});
  CHECK(fs::exists(outputs / "_snapshots/aaa"));
  CHECK(far.run({"clean", "nosuch"}).status.code == 2);
  CHECK(contains(far.run({"clean", "tras"}).err, "did you mean 'trash'?"));
}

TEST_CASE("clean keeps the rows of the campaign, their executor, and living runs") {
  const Sweeps sweeps("SWEEP_MAX_RETRIES=1\n");
  // Is killed once, then ends well: its first attempt lies aside.
  sweeps.manifest(
      {{.run_id = "one", .command = "test $WF_ATTEMPT -gt 1 || kill -9 $$", .max_retries = "1"},
       {.run_id = "live", .command = until_released}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("live"));
  const Json data = sweeps.space.data({"clean", "--yes", "--older", "0"});
  CHECK(count(data, "attempts") == 0);
  const std::string executor = "sweep-" + text_at(sweeps.truth(), "campaign");
  CHECK(fs::exists(sweeps.space.task_dir(executor)));
  CHECK(fs::exists(sweeps.run_dir("one") / "summary.json"));
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  (void)sweeps.space.data({"clean", "--yes", "--older", "0"});
  CHECK(sweeps.count("success") == 2);
  CHECK(fs::exists(sweeps.run_dir("one") / "attempts/0001/stdout.log"));
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_COMPLETED");
}

}  // namespace workflow::test
