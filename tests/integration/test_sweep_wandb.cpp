#include <catch2/catch.hpp>

#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

TEST_CASE("a login for W&B that is missing is found before the first row") {
  Sweeps sweeps("SWEEP_WANDB=1\n");
  sweeps.manifest({{.run_id = "a"}, {.run_id = "b"}});
  const Captured refused = sweeps.space.run({"sweep-start"});
  CHECK(refused.status.code == 7);
  CHECK_THAT(refused.err, Catch::Contains("there is no login for W&B"));
  CHECK_THAT(refused.err, Catch::Contains("WF_SECRETS"));
  CHECK(text_at(sweeps.space.state(), "state") == "CHECKED_OUT");
  CHECK(sweeps.space.run({"-n", "sweep-start"}).status.code == 7);
  CHECK(sweeps.starts() == 0);

  SECTION("a secret") {
    sweeps.space.set("WANDB_API_KEY=0123456789");
    sweeps.space.set("WF_SECRETS=WANDB_API_KEY");
  }
  SECTION("~/.netrc") {
    sweeps.space.write("home/.netrc", "machine api.wandb.ai login u password p\n");
  }
  SECTION("offline mode of the rows") {
    sweeps.manifest({{.run_id = "a", .env = "WANDB_MODE=offline"},
                     {.run_id = "b", .env = "WANDB_MODE=disabled"}});
  }
  SECTION("offline mode of the directory") {
    sweeps.space.write(".workflow/repo/wandb/settings", "[default]\nmode = offline\n");
  }
  SECTION("nothing logs to W&B") { sweeps.space.set("SWEEP_WANDB=0"); }
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 2);
}

TEST_CASE("only the rows that would log need a login") {
  Sweeps sweeps("SWEEP_WANDB=1\n");
  sweeps.manifest({{.run_id = "a", .env = "WANDB_MODE=offline"}, {.run_id = "b"}});
  CHECK(sweeps.space.run({"sweep-start"}).status.code == 7);
}

TEST_CASE("a virtual environment without wandb is found before the first row") {
  Sweeps sweeps("SWEEP_WANDB=1\n");
  sweeps.space.write("home/.netrc", "machine api.wandb.ai login u password p\n");
  sweeps.space.set("TRAIN_COMMAND_TEMPLATE=\"$VENV_PYTHON\" -c 'import wandb'");
  sweeps.manifest({{.run_id = "a"}});
  // What an earlier run left there is no package.
  fs::create_directories(sweeps.space.dir() / ".workflow/repo/wandb");
  const Captured refused = sweeps.space.run({"sweep-start"});
  CHECK(refused.status.code == 7);
  CHECK_THAT(refused.err, Catch::Contains("cannot import wandb"));
  fs::remove(sweeps.space.dir() / ".workflow/repo/wandb");
  sweeps.space.write(".workflow/repo/wandb.py", "def init(): pass\n");
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == 1);
}
