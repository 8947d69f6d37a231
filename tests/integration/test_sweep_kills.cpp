#include <catch2/catch.hpp>

#include <csignal>
#include <random>

#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// A running sweep of one row that is going and one that waits.
struct Going {
  explicit Going(const Sweeps& sweeps, const TestRow& row) {
    sweeps.manifest({{.run_id = "before"}, row, {.run_id = "after"}});
    const Json started = sweeps.start();
    campaign = text_at(started, "campaign");
    task = text_at(started, "task_id");
    REQUIRE(sweeps.waits_for_start(row.run_id));
    REQUIRE(sweeps.waits_for_state("before", "success"));
  }
  std::string campaign;
  std::string task;
};

const TestRow patient{.run_id = "going",
                      .command = std::string(until_released) + "; echo its last word"};

/// The sweep ends well and no command was started twice.
void check_each_once(const Sweeps& sweeps, long rows) {
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == rows);
  CHECK(sweeps.starts() == rows);
}

std::string log_of_executor(const Sweeps& sweeps, const std::string& task) {
  return read_file(sweeps.space.task_dir(task) / "stdout.log");
}

void check_stalled(const Sweeps& sweeps) {
  const Json truth = sweeps.truth();
  INFO(truth.dump());
  CHECK(text_at(truth, "state") == "SWEEP_STALLED");
  CHECK(text_at(truth, "recorded_state") == "SWEEP_RUNNING");
  CHECK(text_at(truth, "reason").find("executor is gone") != std::string::npos);
}

}  // namespace

TEST_CASE("kill -9 of the executor: the run goes on and the next executor adopts it") {
  const Sweeps sweeps;
  const Going going(sweeps, patient);
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task(going.task)));
  check_stalled(sweeps);
  CHECK(text_at(sweeps.space.run_status("going"), "state") == "running");

  const Json resumed = sweeps.start();
  CHECK(text_at(resumed, "campaign") == going.campaign);
  CHECK(flag_at(resumed, "resumed"));
  const std::string task = text_at(resumed, "task_id");
  CHECK(task != going.task);
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  sweeps.release();
  check_each_once(sweeps, 3);
  CHECK(log_of_executor(sweeps, task).find("going is going; adopted") != std::string::npos);
  CHECK(number_at(sweeps.space.run_summary("going"), "exit_code") == 0);
}

TEST_CASE("kill -9 of the executor: a run that ends without it keeps its exit code") {
  const Sweeps sweeps;
  const Going going(sweeps,
                    {.run_id = "going", .command = std::string(until_released) + "; exit 7"});
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task(going.task)));
  sweeps.release();
  REQUIRE(sweeps.waits_for_state("going", "failed"));
  CHECK(number_at(sweeps.space.run_status("going"), "exit_code") == 7);
  check_stalled(sweeps);
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("failed") == 1);
  CHECK(sweeps.starts() == 3);
}

TEST_CASE("kill -9 of the executor's supervisor: the sweep goes on") {
  const Sweeps sweeps;
  const Going going(sweeps, patient);
  Sweeps::kill_hard(Sweeps::supervisor_of(sweeps.space.task(going.task)));
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  CHECK_FALSE(flag_at(sweeps.start(), "created", true));
  sweeps.release();
  check_each_once(sweeps, 3);
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_COMPLETED");
}

TEST_CASE("kill -9 of a run's supervisor: lost, tried again as often as allowed") {
  const Sweeps sweeps;
  for (const bool again : {false, true}) {
    INFO("max_retries " << again);
    real_files().write(sweeps.space.home() / "started", "");
    fs::remove(sweeps.space.home() / "released");
    const std::string id = again ? "again" : "once";
    sweeps.manifest({{.run_id = id, .command = until_released, .max_retries = again ? "1" : "0"}});
    sweeps.start();
    REQUIRE(sweeps.waits_for_start(id));
    Sweeps::kill_hard(Sweeps::supervisor_of(sweeps.space.run_status(id)));
    sweeps.release();
    CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
    CHECK(sweeps.starts() == (again ? 2 : 1));
    const fs::path dir = sweeps.run_dir(id) / (again ? "attempts/0001" : "");
    const Json lost = parse_json(read_file(dir / "summary.json"), "summary");
    CHECK(text_at(lost, "state") == "lost");
    CHECK(text_at(lost, "reason").find("exit status unknown") != std::string::npos);
    CHECK(text_at(member(lost, "failure"), "class") == "lost");
    CHECK(sweeps.count(again ? "success" : "lost") == 1);
  }
}

TEST_CASE("kill -9 of a run's command: its signal is recorded and the sweep goes on") {
  const Sweeps sweeps;
  const Going going(sweeps, patient);
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.run_status("going")));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(text_at(sweeps.space.run_summary("going"), "signal") == "KILL");
  CHECK(sweeps.count("failed") == 1);
  CHECK(sweeps.count("success") == 2);
}

TEST_CASE("kill of the tmux server changes nothing") {
  const Sweeps sweeps;
  const Going going(sweeps, patient);
  CaptureSpec tmux;
  tmux.argv = {"tmux", "-L", sweeps.space.tmux_socket(), "kill-server"};
  CHECK(capture(tmux).ok());
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  sweeps.release();
  check_each_once(sweeps, 3);
}

TEST_CASE("kill -9 of executor and every supervisor at once") {
  const Sweeps sweeps;
  const Going going(sweeps, patient);
  const Json executor = sweeps.space.task(going.task);
  const Json run = sweeps.space.run_status("going");
  const pid_t all[] = {Sweeps::supervisor_of(executor), Sweeps::supervisor_of(run),
                       Sweeps::command_of(executor)};
  for (const pid_t pid : all) ::kill(pid, SIGKILL);
  for (const pid_t pid : all) CHECK(eventually([&] { return !process_lives(pid); }));
  check_stalled(sweeps);
  CHECK(text_at(sweeps.start(), "campaign") == going.campaign);
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(text_at(sweeps.space.run_summary("going"), "state") == "lost");
  CHECK(read_file(sweeps.run_dir("going") / "stdout.log") == "its last word\n");
  CHECK(sweeps.starts() == 3);
}

TEST_CASE("an executor that died between announcement and start: the row runs once") {
  const Sweeps sweeps;
  const Going going(sweeps, patient);
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task(going.task)));
  real_files().append(sweeps.campaign_dir(going.campaign) / "rows.jsonl",
                      "{\"row\":3,\"state\":\"running\",\"attempt\":1}\n{\"row\":3,\"sta");
  check_stalled(sweeps);
  sweeps.release();
  sweeps.start();
  check_each_once(sweeps, 3);
}

TEST_CASE("an executor that died between announcing a retry and starting it: it is tried once") {
  const Sweeps sweeps;
  const Going going(
      sweeps, {.run_id = "going",
               .command = std::string(until_released) + "; test $WF_ATTEMPT = 2 || kill -9 $$",
               .max_retries = "1"});
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task(going.task)));
  sweeps.release();
  REQUIRE(sweeps.waits_for_state("going", "failed"));
  real_files().append(sweeps.campaign_dir(going.campaign) / "rows.jsonl",
                      "{\"row\":2,\"state\":\"failed\",\"attempt\":1}\n"
                      "{\"row\":2,\"state\":\"pending\",\"attempt\":1}\n"
                      "{\"row\":2,\"state\":\"running\",\"attempt\":2}\n");
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == 3);
  CHECK(sweeps.starts("going") == 2);
}

TEST_CASE("changes of the index that a power cut took are found in the runs' own records") {
  const Sweeps sweeps;
  const Going going(sweeps, patient);
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task(going.task)));
  const fs::path index = sweeps.campaign_dir(going.campaign) / "rows.jsonl";
  const auto lines = split(read_file(index), '\n');
  // How many rows there are, and the three rows.
  real_files().write(index, join({lines.begin(), lines.begin() + 4}, "\n") + "\n");
  check_stalled(sweeps);
  sweeps.start();
  sweeps.release();
  check_each_once(sweeps, 3);
}

TEST_CASE("an executor that died after the last row: the evidence says completed") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "only", .command = until_released}});
  const Json started = sweeps.start();
  REQUIRE(sweeps.waits_for_start("only"));
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task(text_at(started, "task_id"))));
  sweeps.release();
  REQUIRE(sweeps.waits_for_state("only", "success"));
  const Json truth = sweeps.truth();
  CHECK(text_at(truth, "state") == "SWEEP_COMPLETED");
  CHECK(text_at(truth, "recorded_state") == "SWEEP_RUNNING");
  CHECK(number_at(sweeps.start(), "skipped") == 1);
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 1);
}

TEST_CASE("an executor killed at any instant loses no row and repeats none") {
  const Sweeps sweeps;
  std::vector<TestRow> rows;
  for (int i = 0; i < 10; ++i) {
    rows.push_back({.run_id = "r" + std::to_string(i), .command = "sleep 0.05"});
  }
  sweeps.manifest(rows);
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  INFO("seed " << seed);
  CAPTURE(seed);
  Json started = sweeps.start();
  const std::string campaign = text_at(started, "campaign");
  for (int kill = 0; kill < 15; ++kill) {
    const std::string task = text_at(started, "task_id");
    const std::int64_t until = system_clock().steady_ms() + static_cast<int>(random() % 150);
    REQUIRE(eventually([&] { return system_clock().steady_ms() >= until; }));
    const pid_t executor = Sweeps::command_of(sweeps.space.task(task));
    if (executor > 1 && process_lives(executor)) Sweeps::kill_hard(executor);
    const std::string state = text_at(sweeps.truth(), "state");
    if (state == "SWEEP_COMPLETED") break;
    CHECK(state == "SWEEP_STALLED");
    started = sweeps.start();
    // The last row may have ended between the look and the start: then there is nothing to do.
    if (text_at(started, "campaign") != campaign) CHECK(number_at(started, "skipped") == 10);
  }
  CHECK(eventually_is([&] { return text_at(sweeps.truth(), "state"); }, "SWEEP_COMPLETED"));
  for (const auto& row : rows) CHECK(sweeps.starts(row.run_id) == 1);
  CHECK(sweeps.count("success") + sweeps.count("skipped") == 10);
}
