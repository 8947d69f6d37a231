#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/pipe.h"
#include "remote/protocol/message.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

namespace {

std::vector<Json> events_of(const std::string& out) {
  std::vector<Json> events;
  for (const auto& line : split(trim(out), '\n')) events.push_back(parse_json(line, "line"));
  return events;
}

/// The bytes that log events tell, with every offset checked against what came before.
std::string joined_log(const std::vector<Json>& events, long long begin = 0) {
  std::string bytes;
  for (const auto& event : events) {
    if (text_at(event, "event") != "log") continue;
    CHECK(number_at(event, "offset", -1) == begin + static_cast<long long>(bytes.size()));
    CHECK(event.contains("text") != event.contains("base64"));
    bytes += protocol::log_bytes(event);
  }
  return bytes;
}

std::size_t agents(const Workspace& space) { return processes_with(space, {"call"}).size(); }

void runs(const Workspace& space, const std::string& id, const std::string& text) {
  (void)space.data({"task-run", "--id", id, "--cmd", text});
}

void runs_anew(const Workspace& space, const std::string& id, const std::string& text) {
  (void)space.data({"task-run", "--force", "--id", id, "--cmd", text});
}

}  // namespace

TEST_CASE("a log is told from the beginning, from an offset, or from its last lines") {
  const Workspace space;
  runs(space, "log", "printf 'one\\ntwo\\nthree\\n'");
  REQUIRE(reaches(space, "log", "success"));
  for (const bool wait : {false, true}) {
    const auto logs = [&](std::vector<std::string> words) {
      words.insert(words.begin(), "task-logs");
      if (wait) words.emplace_back("-f");
      const Captured done = space.run(words);
      CHECK(done.ok());
      return done.out;
    };
    CHECK(logs({"log"}) == "one\ntwo\nthree\n");
    CHECK(logs({"--id", "log", "--offset", "4"}) == "two\nthree\n");
    CHECK(logs({"log", "--offset", "14"}).empty());
    CHECK(logs({"log", "--offset", "1000"}).empty());
    CHECK(logs({"log", "--tail", "1"}) == "three\n");
    CHECK(logs({"log", "--tail", "2"}) == "two\nthree\n");
    CHECK(logs({"log", "--tail", "99"}) == "one\ntwo\nthree\n");
    CHECK(logs({"log", "--tail", "0"}).empty());
  }
  CHECK(space.run({"task-logs", "log", "--tail", "-1"}).status.code == 2);
  CHECK(space.run({"task-logs", "log", "--offset", "x"}).status.code == 2);
}

TEST_CASE("a progress bar without newlines is told as it is drawn") {
  const Workspace space;
  runs(space, "bar", "printf '\\r 1%%'; while ! [ -e go ]; do sleep 0.05; done; printf '\\r100%%'");
  const pid_t client = space.start({"task-logs", "-f", "bar"}, "bar.out");
  REQUIRE(eventually_is([&] { return space.read("bar.out"); }, "\r 1%"));
  CHECK(recorded_state(space, "bar") == "running");
  space.write("go", "");
  const auto ended = end_of(client);
  REQUIRE(ended);
  CHECK(ended->code == 0);
  CHECK(space.read("bar.out").rfind("\r 1%\r100%", 0) == 0);
}

TEST_CASE("a line of 5 MB passes whole") {
  const Workspace space;
  runs(space, "big", "head -c 5000000 /dev/zero | tr '\\0' x");
  const Captured done = space.run({"task-logs", "-f", "big"});
  CHECK(done.ok());
  CHECK(done.out == std::string(5'000'000, 'x'));
}

TEST_CASE("bytes that are no UTF-8 pass unaltered, and in JSON as base64 where they stand") {
  const Workspace space;
  runs(space, "bytes",
       "python3 -c 'import os; os.write(1, bytes(range(256)) * 3 + b\"plain\\n\")'");
  std::string wanted;
  for (int n = 0; n < 3 * 256; ++n) wanted += static_cast<char>(n % 256);
  wanted += "plain\n";
  const Captured plain = space.run({"task-logs", "-f", "bytes"});
  CHECK(plain.out == wanted);
  CHECK(joined_log(events_of(space.run({"--json", "task-logs", "-f", "bytes"}).out)) == wanted);
  CHECK(joined_log(events_of(space.run({"--json", "task-logs", "bytes", "--offset", "100"}).out),
                   100) == wanted.substr(100));
}

TEST_CASE("characters cut by a write or by a buffer are put together again") {
  const Workspace space;
  runs(space, "cut",
       "printf '\\342\\234'; while ! [ -e go ]; do sleep 0.05; done; printf '\\223 ok\\n'");
  const pid_t client = space.start({"--json", "task-logs", "-f", "cut"}, "cut.out");
  REQUIRE(eventually([&] { return space.read("cut.out").find("base64") != std::string::npos; }));
  space.write("go", "");
  REQUIRE(end_of(client));
  std::string json_lines;
  for (const auto& line : split(space.read("cut.out"), '\n')) {
    if (line.rfind('{', 0) == 0) json_lines += line + "\n";  // stderr is in the same file
  }
  CHECK(joined_log(events_of(json_lines)) == "\xe2\x9c\x93 ok\n");

  runs(space, "wide", "python3 -c 'print(\"\\u4e16\" * 100000)'");
  const auto events = events_of(space.run({"--json", "task-logs", "-f", "wide"}).out);
  std::size_t as_base64 = 0;
  for (const auto& event : events) {
    if (event.contains("base64")) as_base64 += text_at(event, "base64").size();
  }
  CHECK(joined_log(events).size() == 300'001);
  CHECK(as_base64 < 1000);
}

TEST_CASE("the last byte before the end is told, every time") {
  const Workspace space;
  for (int n = 0; n < 30; ++n) {
    const std::string id = "quick-" + std::to_string(n);
    const Captured done =
        space.run({"task-run", "--wait", "--id", id, "--", "printf", "last %d", std::to_string(n)});
    CHECK(done.ok());
    CHECK(done.out == "last " + std::to_string(n));
  }
}

TEST_CASE("a follower ends with its client") {
  const Workspace space;
  runs(space, "left", "echo hi; exec sleep 1000");
  const pid_t client = space.start({"task-logs", "-f", "left"}, "left.out");
  REQUIRE(eventually_is([&] { return space.read("left.out"); }, "hi\n"));
  REQUIRE(agents(space) == 1);
  REQUIRE(kill_hard(client));
  REQUIRE(end_of(client));
  CHECK(eventually_is([&] { return agents(space); }, std::size_t{0}));
  CHECK(recorded_state(space, "left") == "running");
}

TEST_CASE("Ctrl-C leaves with 130, says how to come back, and the task goes on") {
  const Workspace space;
  runs(space, "far", "echo hi; exec sleep 1000");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"task-logs", "-f", "far"},
        {"task-run", "--wait", "--id", "far", "--cmd", "echo hi; exec sleep 1000"}}) {
    const std::string out = words[0] + ".out";
    const pid_t client = space.start(words, out);
    REQUIRE(eventually([&] { return space.read(out).find("hi\n") != std::string::npos; }));
    REQUIRE(::kill(client, SIGINT) == 0);
    const auto ended = end_of(client);
    REQUIRE(ended);
    CHECK(ended->code == 130);
    const std::string said = space.read(out);
    CHECK(said.find("'far' goes on") != std::string::npos);
    CHECK(said.find("workflow task-logs -f far") != std::string::npos);
    CHECK(said.find("workflow task-cancel far") != std::string::npos);
    CHECK(eventually_is([&] { return agents(space); }, std::size_t{0}));
  }
  const pid_t waiting = space.start({"task-wait", "far"}, "wait.out");
  REQUIRE(eventually_is([&] { return agents(space); }, std::size_t{1}));
  REQUIRE(::kill(waiting, SIGINT) == 0);
  const auto ended = end_of(waiting);
  REQUIRE(ended);
  CHECK(ended->code == 130);
  CHECK(process_lives(leader_of(space, "far")));
  CHECK(recorded_state(space, "far") == "running");
}

TEST_CASE("who waits for a task that --force replaces is told of its end, not of the new one") {
  const Workspace space;
  for (int n = 0; n < 5; ++n) {
    const std::string out = "wait-" + std::to_string(n);
    runs_anew(space, "same", "echo old; exec sleep 1000");
    const pid_t waiting = space.start({"task-logs", "-f", "same"}, out);
    REQUIRE(eventually_is([&] { return space.read(out); }, "old\n"));
    runs_anew(space, "same", "echo of another task; exec sleep 2000");
    REQUIRE(end_of(waiting));
    CHECK(space.read(out).find("another") == std::string::npos);
  }
}

TEST_CASE("a follower whose reader goes away ends, and so does its agent") {
  const Workspace space;
  runs(space, "yes", "while :; do echo yes; done");
  Pipe pipe = make_pipe();
  const Json status = space.data({"task-status", "yes"});
  SpawnSpec spec;
  spec.argv = {"env",
               "-C",
               space.dir().string(),
               "HOME=" + space.home().string(),
               workflow_program(),
               "task-logs",
               "-f",
               "yes"};
  spec.out = pipe.write.get();
  const Spawned client = spawn(spec);
  REQUIRE_FALSE(client.failure);
  pipe.write.reset();
  char byte = 0;
  REQUIRE(::read(pipe.read.get(), &byte, 1) == 1);
  pipe.read.reset();
  const auto ended = end_of(client.pid);
  if (!ended) ::kill(client.pid, SIGKILL);
  CHECK(ended);
  CHECK(eventually_is([&] { return agents(space); }, std::size_t{0}));
  CHECK(text_at(status, "state") == "running");
  (void)space.data({"task-cancel", "yes"});
}
