#include <catch2/catch.hpp>

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"
#include "tests/support/terminal.h"

using namespace workflow;
using namespace workflow::test;

namespace {

const TestRow bad{.run_id = "bad", .command = "echo first; python3 -c 'import nosuch'"};

constexpr const char* with_metrics =
    "echo '{\"step\":180,\"total_steps\":200,\"loss\":0.412}' >> \"$WF_METRICS_FILE\"; ";

long columns(const std::string& line) {
  return std::count_if(line.begin(), line.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

/// Waits for the end of a child of ours.
ExitStatus end_of(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return ExitStatus::from_wait(status);
}

}  // namespace

TEST_CASE("sweep-watch into a file prints plain lines and tells by its code how it went") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "one"}, {.run_id = "two", .command = until_released}});
  sweeps.start();
  const pid_t watch = sweeps.space.start({"sweep-watch"}, "watch.txt");
  REQUIRE(eventually([&] { return contains(sweeps.space.read("watch.txt"), "two running"); }));
  sweeps.release();
  CHECK(end_of(watch).code == 0);
  const std::string text = sweeps.space.read("watch.txt");
  INFO(text);
  CHECK(contains(text, "one success"));
  CHECK(contains(text, "two success"));
  CHECK(contains(text, "SWEEP_COMPLETED · 2 ok"));
  CHECK_FALSE(contains(text, "\033"));
  CHECK_FALSE(contains(text, "\r"));

  sweeps.manifest({{.run_id = "one"}, bad});
  sweeps.start();
  const Captured second = sweeps.space.run({"sweep-watch"});
  INFO(second.out);
  CHECK(second.status.code == 1);
  CHECK(contains(second.out, "bad failed"));
  CHECK(contains(second.out, "import: No module named 'nosuch' (stdout.log:4)"));
  CHECK(contains(second.out, "SWEEP_COMPLETED · 1 ok (1 from before), 1 not"));
}

TEST_CASE("sweep-watch --json prints events and then the envelope") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "one", .command = until_released}});
  sweeps.start();
  const pid_t watch = sweeps.space.start({"--json", "sweep-watch"}, "watch.txt");
  REQUIRE(eventually([&] { return contains(sweeps.space.read("watch.txt"), "\"running\""); }));
  sweeps.release();
  CHECK(end_of(watch).code == 0);
  const auto lines = split(trim(sweeps.space.read("watch.txt")), '\n');
  REQUIRE(lines.size() >= 2);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    const Json event = parse_json(lines[i], "event");
    CHECK(text_at(event, "event") == "progress");
    CHECK(member(event, "data").contains("campaign") == (i == 0));
  }
  const Json last = parse_json(lines.back(), "envelope");
  CHECK(text_at(last, "event") == "result");
  CHECK(text_at(last, "schema") == "workflow.sweep-watch/1");
  CHECK(flag_at(last, "ok"));
  CHECK(text_at(member(last, "data"), "state") == "SWEEP_COMPLETED");
}

TEST_CASE("Ctrl-C leaves sweep-watch at once and the sweep goes on") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "one", .command = until_released}});
  sweeps.start();
  const pid_t watch = sweeps.space.start({"sweep-watch"}, "watch.txt");
  REQUIRE(eventually([&] { return contains(sweeps.space.read("watch.txt"), "one running"); }));
  ::kill(watch, SIGINT);
  CHECK(end_of(watch).code == 130);
  const std::string text = sweeps.space.read("watch.txt");
  INFO(text);
  CHECK(contains(text, "the sweep goes on"));
  CHECK(contains(text, "workflow sweep-watch"));
  CHECK(contains(text, "workflow sweep-stop"));
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
}

TEST_CASE("a stalled sweep ends sweep-watch with 1 and says how to go on") {
  const Sweeps sweeps("SWEEP_FAIL_FAST=1\n");
  sweeps.manifest({{.run_id = "a", .command = "false"}, {.run_id = "b"}});
  sweeps.start();
  const Captured watch = sweeps.space.run({"sweep-watch"});
  INFO(watch.out << watch.err);
  CHECK(watch.status.code == 1);
  CHECK(contains(watch.err, "stalled"));
  CHECK(contains(watch.err, "workflow sweep-start"));
}

TEST_CASE("events after the first tell only of rows that changed") {
  const Sweeps sweeps;
  std::vector<TestRow> rows{{.run_id = "one", .command = until_released}};
  for (int i = 0; i < 20; ++i) rows.push_back({.run_id = "row-" + std::to_string(i)});
  sweeps.manifest(rows);
  sweeps.start();
  const pid_t watch = sweeps.space.start({"--json", "sweep-watch"}, "watch.txt");
  REQUIRE(eventually([&] { return contains(sweeps.space.read("watch.txt"), "\"running\""); }));
  sweeps.release();
  CHECK(end_of(watch).code == 0);
  const auto lines = split(trim(sweeps.space.read("watch.txt")), '\n');
  REQUIRE(lines.size() >= 3);
  CHECK(member(member(parse_json(lines[0], "event"), "data"), "runs").size() == 21);
  std::map<std::string, std::string> last;
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    const Json data = member(parse_json(lines[i], "event"), "data");
    CHECK(number_at(member(data, "counts"), "total") == 21);
    for (const auto& run : member(data, "runs")) {
      const std::string now = dump_json(run);
      std::string& before = last[text_at(run, "run_id")];
      CHECK(before != now);
      before = now;
    }
  }
  const Json end = member(parse_json(lines.back(), "envelope"), "data");
  CHECK(member(end, "runs").size() == 21);
}

TEST_CASE("plain lines tell of an attempt that failed and is tried again") {
  const Sweeps sweeps("SWEEP_MAX_RETRIES=1\n");
  sweeps.manifest(
      {{.run_id = "twice", .command = "test $WF_ATTEMPT = 2 || kill -9 $$", .max_retries = "1"}});
  sweeps.start();
  const Captured watch = sweeps.space.run({"sweep-watch"});
  INFO(watch.out);
  CHECK(watch.status.code == 0);
  CHECK(contains(watch.out, "0/1  twice failed, tried again"));
  CHECK(contains(watch.out, "twice success  attempt 2"));
}

TEST_CASE("where keys cannot be typed the bar is drawn and nothing wraps at 60 columns") {
  const Sweeps sweeps;
  const std::string wide = "a-run-with-a-name-that-is-far-too-long-for-sixty-columns-of-text";
  sweeps.manifest({{.run_id = "quick"},
                   {.run_id = wide, .command = std::string(with_metrics) + "sleep 1.5"},
                   bad});
  sweeps.start();
  const Shown shown = show_on_terminal(sweeps.space, {"--no-input", "sweep-watch"}, 60);
  INFO(shown.bytes);
  CHECK(shown.status.code == 1);
  CHECK(contains(shown.bytes, "█"));
  CHECK(contains(shown.bytes, "░"));
  CHECK(contains(shown.bytes, "a-run-with"));
  CHECK(contains(shown.bytes, "\033[1A\r"));  // drawn over, not printed again
  CHECK_FALSE(contains(shown.bytes, "\033[?1049h"));
  for (const auto& line : printed_lines(shown.bytes)) {
    if (contains(line, "SWEEP_COMPLETED")) continue;  // ends with a path, for copying
    INFO(line);
    CHECK(columns(line) <= 60);
  }
}

TEST_CASE("why and run-logs tell what became of a run") {
  const Sweeps sweeps;
  sweeps.manifest({bad, {.run_id = "good", .command = "printf 'a\\000b\\377'"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const Captured why = sweeps.space.run({"why", "bad"});
  INFO(why.out << why.err);
  CHECK(why.status.code == 0);
  CHECK(contains(why.out, "bad failed: import: No module named 'nosuch' (stdout.log:4)"));
  CHECK(contains(why.out, "attempt 1 started on 20"));
  CHECK(
      contains(why.out, "\"ModuleNotFoundError: No module named 'nosuch'\" (stdout.log:4, byte "));
  CHECK(contains(why.out, "failed, exit 1 after "));
  CHECK(contains(why.out, sweeps.run_dir("bad").string()));
  CHECK(contains(why.err, "workflow run-logs bad"));
  CHECK(sweeps.space.run({"why", "nosuch"}).status.code == 6);
  CHECK(contains(sweeps.space.run({"why", "good"}).out, "good success"));

  CHECK(sweeps.space.run({"run-logs", "bad"}).out ==
        read_file(sweeps.run_dir("bad") / "stdout.log"));
  CHECK(sweeps.space.run({"run-logs", "good"}).out == std::string("a\0b\xff", 4));
  CHECK(sweeps.space.run({"run-logs", "nosuch"}).status.code == 6);
}
