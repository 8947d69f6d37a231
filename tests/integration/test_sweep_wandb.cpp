#include <catch2/catch.hpp>

#include "tests/support/quick_python.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

TEST_CASE("a login for W&B that is missing is found before the first row") {
  const QuickPython python;
  Sweeps sweeps(python.setting() + "SWEEP_WANDB=1\n");
  sweeps.manifest({{.run_id = "a"}, {.run_id = "b"}});
  const Captured refused = sweeps.space.run({"sweep-start"});
  CHECK(refused.status.code == 7);
  CHECK_THAT(refused.err, Catch::Contains("there is no login for W&B"));
  CHECK_THAT(refused.err, Catch::Contains("WF_SECRETS"));
  CHECK(text_at(sweeps.space.state(), "state") == "CHECKED_OUT");
  CHECK(sweeps.starts() == 0);

  const auto planned = [&] { return sweeps.space.run({"-n", "sweep-start"}).status.code; };
  CHECK(planned() == 7);
  sweeps.space.write("home/.netrc", "machine elsewhere login u password p\n");
  CHECK(planned() == 7);
  sweeps.manifest({{.run_id = "a", .env = "WANDB_MODE=offline"}, {.run_id = "b"}});
  CHECK(planned() == 7);
  sweeps.manifest({{.run_id = "a", .env = "WANDB_MODE=offline"},
                   {.run_id = "b", .env = "WANDB_MODE=disabled"}});
  CHECK(planned() == 0);

  sweeps.manifest({{.run_id = "a"}, {.run_id = "b"}});
  const fs::path offline = sweeps.space.dir() / ".workflow/repo/wandb/settings";
  sweeps.space.write(offline, "[default]\nmode = online\n");
  CHECK(planned() == 7);
  sweeps.space.write(offline, "[default]\nmode = offline\n");
  CHECK(planned() == 0);
  fs::remove_all(offline.parent_path());
  sweeps.space.write("home/.netrc", "machine api.wandb.ai\n login u\n password p\n");
  CHECK(planned() == 0);
  sweeps.space.write("home/.netrc", "");
  sweeps.space.set("SWEEP_WANDB=0");
  CHECK(planned() == 0);

  sweeps.space.set("SWEEP_WANDB=1");
  CHECK(planned() == 7);
  sweeps.space.set("WANDB_API_KEY=0123456789");
  sweeps.space.set("WF_SECRETS=WANDB_API_KEY");
  CHECK(planned() == 0);
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 2);
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
