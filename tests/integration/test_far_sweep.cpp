// The quickstart's sweep on this machine and over ssh to a real sshd: the same summaries.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/cut_space.h"
#include "tests/support/tasks.h"

namespace workflow::test {
namespace {

const char* const settings =
    "CHECKOUT_BRANCH=main\nSWEEP_MAX_RETRIES=0\n"
    "TRAIN_COMMAND_TEMPLATE='exec \"$VENV_PYTHON\" train.py \"$CONFIG\" out_dir=\"$TRAIN_OUT_DIR\" "
    "seed=\"$SEED\" $OVERRIDES'\n";

const char* const rows =
    "run_id,config,seed,overrides,notes,timeout_secs\n"
    "tiny-lr1,config/tiny.py,1,lr=0.005 steps=20,,\n"
    "tiny-lr2,config/tiny.py,2,lr=0.01 steps=20,,\n"
    "tiny-bad,config/bad.py,1,,,\n"
    "tiny-slow,config/tiny.py,1,steps=20000,,3\n";

/// What a summary says of the work itself; times and processes are left out, and how far a row
/// came that ran out of time.
Json told(const Json& summary) {
  Json out = Json::object();
  for (const char* key :
       {"run_id", "config", "seed", "overrides", "row_sha256", "attempt", "attempts", "state", "ok",
        "exit_code", "signal", "reason", "failure", "survivors", "timeout_secs"}) {
    out[key] = member(summary, key);
  }
  if (out["failure"].is_object()) out["failure"].erase("offset");  // paths before it differ
  if (!flag_at(summary, "ok")) return out;
  out["metrics"] = member(summary, "metrics");
  out["trainer"] = member(summary, "trainer");
  out["trainer"].erase("seconds");
  return out;
}

std::map<std::string, Json> sweep(const Workspace& space) {
  const fs::path example = fs::path(WORKFLOW_SOURCE_DIR) / "examples/quickstart";
  std::vector<std::pair<std::string, std::string>> files{
      {"train.py", read_file(example / "train.py")}};
  for (const auto& entry : fs::directory_iterator(example / "config")) {
    if (entry.is_regular_file()) {
      files.emplace_back("config/" + entry.path().filename().string(), read_file(entry.path()));
    }
  }
  space.make_repo(files);
  space.write("sweep.csv", rows);
  const Captured advanced = space.run({"advance", "SWEEP_RUNNING"});
  INFO(advanced.out << advanced.err);
  REQUIRE(advanced.ok());
  const Captured watched = space.run({"sweep-watch"});
  INFO(watched.out << watched.err);
  CHECK(watched.status.code == 1);  // two rows are meant to fail
  CHECK(text_at(space.data({"fsm-status"}), "state") == "SWEEP_COMPLETED");
  std::map<std::string, Json> summaries;
  for (const char* id : {"tiny-lr1", "tiny-lr2", "tiny-bad", "tiny-slow"}) {
    summaries[id] = told(space.run_summary(id));
  }
  return summaries;
}

}  // namespace

TEST_CASE("the quickstart's sweep gives the same summaries over ssh as here") {
  const Workspace here(settings);
  const CutSpace far(settings);
  const auto at_home = sweep(here);
  const auto far_away = sweep(far.space);
  for (const auto& [id, summary] : at_home) {
    CAPTURE(id);
    CHECK(dump_json(summary) == dump_json(far_away.at(id)));
  }
  CHECK(text_at(at_home.at("tiny-bad"), "state") == "failed");
  CHECK(text_at(at_home.at("tiny-slow"), "state") == "timed_out");
  CHECK(flag_at(at_home.at("tiny-lr1"), "ok"));
}

}  // namespace workflow::test
