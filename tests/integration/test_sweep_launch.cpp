#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// What the row's command found: its arguments and its environment, as bytes.
constexpr const char* tell_environment =
    "import json, os\n"
    "print(json.dumps({k: v for k, v in os.environ.items()}))\n";

/// Stands in for torch where none is installed: a fake that tells how it was called.
constexpr const char* fake_torchrun =
    "import json, os, sys\n"
    "print(json.dumps({'argv': sys.argv[1:], 'cwd': os.getcwd(),\n"
    "                  'python': sys.executable,\n"
    "                  'gpus': os.environ.get('CUDA_VISIBLE_DEVICES')}))\n";

std::string wait_for_end(const Workspace& space) {
  std::string state;
  (void)eventually([&] { return (state = text_at(space.state(), "state")) != "SWEEP_RUNNING"; });
  return state;
}

Json told(const Workspace& space, const std::string& run) {
  return parse_json(read_file(space.outputs() / run / "stdout.log"), "stdout.log");
}

/// A hostile string as a field whose shell words are balanced.
const std::string hostile[] = {
    "$(touch pwned) `touch pwned`",
    "; touch pwned; # | & > pwned",
    "100% %s %n %d",
    "naïve ✓ 日本語",
    "a,b,,c",
    R"(say "it" and 'that')",
    R"(back\\slash \$HOME ${HOME})",
    "*  ?  [a-z]  ~  !!",
};

}  // namespace

TEST_CASE("values of a row reach its command as variables, byte for byte") {
  Workspace space("TRAIN_COMMAND_TEMPLATE='exec \"$VENV_PYTHON\" tell.py'\nWANDB_PROJECT='p q'\n");
  space.make_repo({{"tell.py", tell_environment}});
  space.check_out();
  std::string text = "run_id,config,seed,overrides,env\n";
  int n = 0;
  for (const auto& value : hostile) {
    text += "row" + std::to_string(n++) + "," + csv_field("config " + value) + ",-7," +
            csv_field(value) + "," + csv_field("OWN='x y' EMPTY= UTF=é") + "\n";
  }
  const std::string large(100 * 1024, 'x');
  text += "large,,," + large + ",\n";
  space.write("sweep.csv", text);
  (void)space.data({"sweep-start"});
  CHECK(wait_for_end(space) == "SWEEP_COMPLETED");

  n = 0;
  for (const auto& value : hostile) {
    const std::string id = "row" + std::to_string(n++);
    const Json env = told(space, id);
    CHECK(text_at(env, "OVERRIDES") == value);
    CHECK(text_at(env, "CONFIG") == "config " + value);
    CHECK(text_at(env, "SEED") == "-7");
    CHECK(text_at(env, "RUN_ID") == id);
    CHECK(text_at(env, "OWN") == "x y");
    CHECK(text_at(env, "EMPTY", "absent").empty());
    CHECK(text_at(env, "UTF") == "é");
    CHECK(text_at(env, "TRAIN_OUT_DIR") == (space.outputs() / id / "out").string());
    CHECK(text_at(env, "WF_METRICS_FILE") == (space.outputs() / id / "metrics.jsonl").string());
    CHECK(text_at(env, "NPROC_PER_NODE") == "1");
    CHECK(text_at(env, "WANDB_PROJECT") == "p q");
    CHECK(text_at(env, "WANDB_RUN_NAME") == id);
    CHECK(text_at(env, "OPS_REMOTE_REPO") == (space.dir() / ".workflow/repo").string());
  }
  CHECK(text_at(told(space, "large"), "OVERRIDES") == large);
  CHECK(text_at(told(space, "large"), "SEED") == "0");
  for (const char* place : {".workflow/repo/pwned", "pwned", "home/pwned"}) {
    CHECK_FALSE(fs::exists(space.dir() / place));
  }
}

TEST_CASE("without a template a row is torchrun with the arguments of the contract") {
  Workspace space(
      "TRAIN_SCRIPT=train.py\nDATA_DIR=\"${HOME}/data set\"\nSWEEP_GPUS_PER_RUN=2\n"
      "WANDB_PROJECT=proj\n");
  space.set("CUDA_VISIBLE_DEVICES=4,5,6");
  space.make_repo({{"torch/__init__.py", ""},
                   {"torch/distributed/__init__.py", ""},
                   {"torch/distributed/run.py", fake_torchrun},
                   {"train.py", ""}});
  space.check_out();
  space.write("sweep.csv",
              "run_id,config,seed,overrides,gpus\n"
              "two,config/a.py,3,\"lr=3e-4 tag='two words' betas=0.9,0.95 x=\"\"$HOME;`id`\"\"\",\n"
              "three,config/b c.py,,,all\n");
  const std::string campaign = text_at(space.data({"sweep-start"}), "campaign");
  CHECK(wait_for_end(space) == "SWEEP_COMPLETED");

  const std::string repo = (space.dir() / ".workflow/repo").string();
  const Json two = told(space, "two");
  const std::vector<std::string> argv = two["argv"];
  CHECK(argv == std::vector<std::string>{
                    "--rdzv_backend=c10d", "--rdzv_endpoint=localhost:0",
                    "--rdzv_id=" + campaign + "-two", "--nproc_per_node=2", "train.py",
                    "config/a.py", "out_dir=" + (space.outputs() / "two" / "out").string(),
                    "data_dir=" + (space.home() / "data set").string(), "seed=3", "wandb_log=False",
                    "wandb_group=" + campaign, "wandb_run_name=two", "wandb_project=proj",
                    "lr=3e-4", "tag=two words", "betas=0.9,0.95", "x=$HOME;`id`"});
  CHECK(text_at(two, "cwd") == repo);
  CHECK(text_at(two, "python") == repo + "/.venv/bin/python");
  CHECK(text_at(two, "gpus") == "4,5");
  const Json three = told(space, "three");
  CHECK(three["argv"][3] == "--nproc_per_node=3");
  CHECK(three["argv"][5] == "config/b c.py");
  CHECK(three["argv"].back() == "wandb_project=proj");
  CHECK(text_at(three, "gpus") == "4,5,6");
}
