// rehearse --resume-test: trainings that continue from their checkpoint, and such that do not.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "sweep/rehearsal/resume_test.h"
#include "tests/support/answers.h"
#include "tests/support/quick_python.h"
#include "tests/support/sweeps.h"
#include "tests/support/tasks.h"

namespace workflow::test {
namespace {

/// Counts steps, saves every third, and begins at `$first`.
std::string training(const std::string& first) {
  return "n=" + first +
         "; while :; do n=$((n + 1)); echo \"{\\\"step\\\":$n}\" >> \"$WF_METRICS_FILE\"; "
         "test $((n % 3)) != 0 || { echo $n > \"$TRAIN_OUT_DIR/new\"; "
         "mv \"$TRAIN_OUT_DIR/new\" \"$TRAIN_OUT_DIR/last.ckpt\"; }; sleep 0.1; done";
}
const std::string resumes = training("$(cat \"$TRAIN_OUT_DIR/last.ckpt\" 2> /dev/null || echo 0)");
const std::string forgets = training("0");

/// Rows that need no python, checked out in no time.
struct Rows {
  explicit Rows(const std::string& settings = {}) : sweeps(python.setting() + settings) {}
  QuickPython python;
  Sweeps sweeps;
};

/// The trial `resume` of a rehearsal of one row.
Json resume_of(const Sweeps& sweeps, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words{"rehearse", "--resume-test", "--only", "resume"};
  words.insert(words.end(), more.begin(), more.end());
  const Json document = sweeps.space.json(words);
  INFO(dump_json(document));
  REQUIRE(member(member(document, "data"), "trials").size() == 1);
  CHECK_FALSE(fs::exists(sweeps.space.outputs() / "_rehearsal"));
  return member(member(document, "data"), "trials").front();
}

sweep::Trial judged(double first, double saved, double again) {
  return sweep::judge_resume(
      {.first = first, .saved = saved, .again = again, .checkpoint = "last.ckpt"});
}

}  // namespace

TEST_CASE("a resume is judged by the steps that were told") {
  using sweep::Outcome;
  CHECK(judged(0, 100, 120).outcome == Outcome::ok);
  CHECK(judged(0, 100, 120).text == "continued at step 120; 'last.ckpt' was saved after step 100");
  CHECK(judged(0, 100, 100).outcome == Outcome::ok);
  CHECK(judged(0, 100, 0).outcome == Outcome::fail);
  CHECK(judged(10, 100, 10).text.find("began again at step 10, although") == 0);
  CHECK(judged(0, 100, 60).outcome == Outcome::warn);
}

TEST_CASE("a row that continues passes, one that forgets fails, whatever its place") {
  const Rows rows("RUN_STOP_GRACE_SECS=5\n");
  const Sweeps& sweeps = rows.sweeps;
  sweeps.manifest(
      {{.run_id = "keeps", .command = resumes}, {.run_id = "loses", .command = forgets}});
  const Json keeps = resume_of(sweeps);
  INFO(dump_json(keeps));
  CHECK(text_at(keeps, "outcome") == "ok");
  CHECK(contains(text_at(keeps, "text"), "keeps: continued at step "));
  const Json loses = resume_of(sweeps, {"--row", "loses"});
  CHECK(text_at(loses, "outcome") == "fail");
  CHECK(contains(text_at(loses, "text"), "loses: began again at step 1, although 'last.ckpt'"));
  CHECK(tasks::carrying("HOME=" + sweeps.space.home().string()).size() <=
        processes_with(sweeps.space, {"tmux"}).size() + 8);  // the windows of tmux, and no training
  CHECK(processes_with(sweeps.space, {"sleep", "0.1"}).empty());
  CHECK(text_at(sweeps.space.state(), "state") == "CHECKED_OUT");
}

TEST_CASE("what cannot be told is unknown, and says what to set") {
  const Rows rows("RUN_STOP_GRACE_SECS=1\n");
  const Sweeps& sweeps = rows.sweeps;
  sweeps.manifest({{.run_id = "mute", .command = "echo 1 > \"$TRAIN_OUT_DIR/a.pt\"; sleep 60"},
                   {.run_id = "short", .command = "true"},
                   {.run_id = "bad", .command = "echo so bad; exit 3"},
                   {.run_id = "unsaved", .command = "sleep 60"}});
  const Json mute = resume_of(sweeps, {"--wait", "1"});
  CHECK(text_at(mute, "outcome") == "unknown");
  CHECK(contains(text_at(mute, "hint"), "METRIC_PATTERNS"));
  CHECK(contains(text_at(resume_of(sweeps, {"--row", "short"}), "text"), "it was done before"));
  const Json bad = resume_of(sweeps, {"--row", "bad"});
  CHECK(text_at(bad, "outcome") == "fail");
  CHECK(contains(text_at(bad, "text"), "bad: failed before there was a checkpoint: so bad"));
  const Json unsaved = resume_of(sweeps, {"--row", "unsaved", "--wait", "1"});
  CHECK(text_at(unsaved, "outcome") == "fail");
  CHECK(contains(text_at(unsaved, "text"), "no checkpoint within 1 s"));
}

TEST_CASE("a resume test that is cancelled ends its training") {
  const Rows rows;
  const Sweeps& sweeps = rows.sweeps;
  sweeps.manifest({{.run_id = "long", .command = "exec sleep 4711"}});
  const pid_t client =
      sweeps.space.start({"rehearse", "--resume-test", "--only", "resume"}, "rehearse");
  REQUIRE(eventually([&] { return !processes_with(sweeps.space, {"sleep", "4711"}).empty(); }));
  std::string task;
  for (const auto& id : real_files().list(sweeps.space.outputs() / "_tasks")) {
    if (id.rfind("rehearse-", 0) == 0) task = id;
  }
  (void)sweeps.space.data({"task-cancel", task});
  CHECK(eventually([&] { return processes_with(sweeps.space, {"sleep", "4711"}).empty(); }));
  CHECK(end_of(client));
}

TEST_CASE("what a killed resume test left is removed by the next one") {
  const Rows rows("RUN_STOP_GRACE_SECS=5\n");
  const Sweeps& sweeps = rows.sweeps;
  sweeps.manifest(
      {{.run_id = "long", .command = "exec sleep 4712"}, {.run_id = "keeps", .command = resumes}});
  const pid_t client =
      sweeps.space.start({"rehearse", "--resume-test", "--only", "resume"}, "rehearse");
  const auto training = [&] { return processes_with(sweeps.space, {"sleep", "4712"}); };
  REQUIRE(eventually([&] { return !training().empty(); }));
  const auto left = real_files().list(sweeps.space.outputs() / "_rehearsal");
  REQUIRE(left.size() == 1);
  REQUIRE(kill_hard(leader_of(sweeps.space, left.front())));
  CHECK(end_of(client));
  for (const pid_t pid : training()) REQUIRE(kill_hard(pid));
  const fs::path dir = sweeps.space.outputs() / "_rehearsal" / left.front();
  REQUIRE(eventually([&] {
    return text_at(parse_json(read_file(dir / "status.json"), "status"), "state") == "failed";
  }));
  CHECK(text_at(resume_of(sweeps, {"--row", "keeps"}), "outcome") == "ok");
}

TEST_CASE("a resume test needs a checked-out target without runs, and the row it names") {
  Workspace space;
  space.write("sweep.csv", "run_id,config\na,c\n");
  const Captured early = space.run({"rehearse", "--resume-test"});
  CHECK(code_of(early) == 3);
  CHECK(contains(early.err, "'rehearse --resume-test' is not legal in INIT; it is in CHECKED_OUT"));
  CHECK(code_of(space.run({"rehearse", "--resume-test", "--row", "b"})) == 6);

  const Rows rows;
  const Sweeps& sweeps = rows.sweeps;
  sweeps.manifest({{.run_id = "a", .command = until_released}});
  (void)sweeps.start();
  REQUIRE(sweeps.waits_for_state("a", "running"));
  const Captured busy = sweeps.space.run({"rehearse", "--resume-test"});
  CHECK(code_of(busy) == 5);
  CHECK(contains(busy.err, "runs are going: a"));
  sweeps.release();
}

TEST_CASE("the quickstart's training continues from its checkpoint") {
  const fs::path example = fs::path(WORKFLOW_SOURCE_DIR) / "examples/quickstart";
  Workspace space(
      "REMOTE_PYTHON_BIN=python3\nTRAIN_COMMAND_TEMPLATE='exec \"$VENV_PYTHON\" train.py "
      "\"$CONFIG\" out_dir=\"$TRAIN_OUT_DIR\" seed=\"$SEED\" $OVERRIDES'\n");
  space.make_repo({{"train.py", read_file(example / "train.py")},
                   {"config/tiny.py", read_file(example / "config/tiny.py")}});
  space.check_out();
  space.write("sweep.csv", read_file(example / "sweep.csv"));
  const Json data = space.data({"rehearse", "--resume-test", "--only", "resume"});
  const Json trial = member(data, "trials").front();
  INFO(dump_json(trial));
  CHECK(text_at(trial, "outcome") == "ok");
  CHECK(contains(text_at(trial, "text"), "tiny-lr1: continued at step "));
}

}  // namespace workflow::test
