#include <catch2/catch.hpp>

#include <csignal>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

std::string why(const Sweeps& sweeps, const std::string& id) {
  const Captured said = sweeps.space.run({"why", id});
  CHECK(said.status.code == 0);
  return said.out + said.err;
}

pid_t executor_of(const Json& status) {
  return static_cast<pid_t>(number_at(member(status, "executor"), "pid"));
}

}  // namespace

TEST_CASE("why tells each attempt, what proves its end, and what the executor decided") {
  const Sweeps sweeps("SWEEP_MAX_RETRIES=1\n");
  sweeps.manifest({{.run_id = "twice",
                    .command = "echo starting; test $WF_ATTEMPT = 2 || kill -9 $$",
                    .max_retries = "1",
                    .seed = "7"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const std::string text = why(sweeps, "twice");
  INFO(text);
  CHECK(contains(text, "twice success"));
  CHECK(contains(text, "row         seed 7, echo starting; "));
  CHECK(contains(text, "(sweep.csv:2)"));
  CHECK(contains(text, "attempt 1 started on 20"));
  CHECK(contains(text, "failed, signal KILL after "));
  CHECK(contains(text, "executor: failed (killed)"));
  CHECK(contains(text, "attempt 2 started on 20"));
  CHECK(contains(text, "success, exit 0 after "));
  CHECK(text.find("attempt 1 started") < text.find("executor: failed"));
  CHECK(text.find("executor: failed") < text.find("attempt 2 started"));
  const Json data = sweeps.space.data({"why", "twice"});
  CHECK(member(data, "changes").size() >= 4);
  CHECK(text_at(member(data, "changes")[0], "state") == "running");
}

TEST_CASE("why of a row that has never started says where it stands and why it waits") {
  const Sweeps sweeps;
  sweeps.manifest(
      {{.run_id = "first", .command = until_released}, {.run_id = "second"}, {.run_id = "third"}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("first"));
  std::string text = why(sweeps, "third");
  INFO(text);
  CHECK(contains(text, "third pending"));
  CHECK(contains(text, "waits       1 row running, 1 before it in the manifest"));
  CHECK_FALSE(contains(text, "run-logs"));
  CHECK(sweeps.space.run({"why", "nosuch"}).status.code == 6);

  const Json status = sweeps.status();
  Sweeps::kill_hard(executor_of(status));
  REQUIRE(eventually([&] { return contains(why(sweeps, "third"), "the executor is gone"); }));
  CHECK(contains(why(sweeps, "third"), "workflow sweep-start"));
  sweeps.release();
}

TEST_CASE("why of a row that waits behind an open breaker names the breaker's reason") {
  const Sweeps sweeps("SWEEP_FAIL_FAST=1\n");
  sweeps.manifest({{.run_id = "a", .command = "false"}, {.run_id = "b"}});
  CHECK(sweeps.run_to_end() == "SWEEP_STALLED");
  const std::string text = why(sweeps, "b");
  INFO(text);
  CHECK(contains(text, "b pending"));
  CHECK(contains(text, "the sweep has stalled: "));
  CHECK(contains(text, "failed"));
}

TEST_CASE("why explains a row that was not run again, and which input has changed") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "kept"}, {.run_id = "other", .command = "true one", .seed = "1"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK_FALSE(contains(why(sweeps, "kept"), "before"));
  // Another commit, and other values of one row.
  sweeps.space.make_repo({{"README", "changed\n"}});
  REQUIRE(sweeps.space.run({"checkout"}).status.code == 0);
  sweeps.manifest({{.run_id = "kept"}, {.run_id = "other", .command = "true two", .seed = "2"}});
  CHECK(sweeps.run_to_end({"--force"}) == "SWEEP_COMPLETED");

  const std::string kept = why(sweeps, "kept");
  INFO(kept);
  CHECK(contains(kept, "kept success: it ended well before this sweep"));
  CHECK(contains(kept, "before      success in campaign 20"));
  CHECK(contains(kept, "changed since: the code "));
  CHECK(contains(kept, "--redo-changed"));

  const std::string other = why(sweeps, "other");
  INFO(other);
  CHECK(contains(other, "(_bak/other/20"));
  CHECK(contains(other, "seed 1 → 2"));
  CHECK(contains(other, "overrides 'true one' → 'true two'"));
}
