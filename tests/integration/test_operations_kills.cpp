// Operations whose executor, or whose client, does not wait for their end.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/live_rows.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

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
  CHECK(op_state(sweeps.space.json({"-y", "run-delete", "c"})) == "completed");

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
