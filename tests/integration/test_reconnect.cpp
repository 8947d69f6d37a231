// Connections that are cut and connections that only seem to stand: what followers tell is whole,
// nothing starts twice, and no answer is wrong.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/cut_space.h"
#include "tests/support/tasks.h"

namespace workflow::test {
namespace {

std::string numbers(int n) {
  std::string text;
  for (int i = 1; i <= n; ++i) text += std::to_string(i) + "\n";
  return text;
}

}  // namespace

TEST_CASE("a follower that is cut again and again tells every byte once") {
  CutSpace far("WF_TRANSPORT=libssh2\n");
  const Workspace& space = far.space;
  const std::string go = (space.dir() / "go").string();
  // A part of the log before each of five cuts, and the last one after them.
  (void)space.data({"task-run", "--id", "t", "--cmd",
                    "for i in 1 2 3 4 5 6; do seq 2000; until [ -e '" + go +
                        "'$i ]; do read -t 0.05 <> <(:) || true; done; done"});
  const pid_t reader = space.start({"-q", "task-logs", "-f", "t"}, "heard");
  for (int i = 1; i <= 6; ++i) {
    const std::size_t part = numbers(2000).size();
    CHECK(eventually([&] { return space.read("heard").size() == part * std::size_t(i); }));
    if (i < 6) far.proxy.cut_all();
    space.write("go" + std::to_string(i), "");
  }
  const auto end = end_of(reader);
  REQUIRE(end);
  CHECK(end->ok());
  std::string all;
  for (int i = 0; i < 6; ++i) all += numbers(2000);
  CHECK(space.read("heard") == all);
  CHECK(space.read("heard") == log_of(space, "t"));
  CHECK(far.proxy.connections() >= 7);
}

TEST_CASE("a peer that is silent is given up within ten seconds, and found again") {
  CutSpace far("WF_TRANSPORT=libssh2\n");
  const Workspace& space = far.space;
  const std::string go = (space.dir() / "go").string();
  (void)space.data({"task-run", "--id", "t", "--cmd",
                    "echo up; until [ -e '" + go +
                        "' ]; do read -t 0.05 <> <(:) || true; done; "
                        "echo over"});
  const pid_t reader = space.start({"task-logs", "-f", "t"}, "heard");
  REQUIRE(eventually([&] { return space.read("heard").find("up") != std::string::npos; }));
  far.proxy.stall();
  const auto before = system_clock().steady_ms();
  REQUIRE(eventually(
      [&] { return space.read("heard").find("connection lost") != std::string::npos; }, 30'000));
  // The limit of the machine's patience, not of ours, makes this more than ten seconds.
  CHECK(system_clock().steady_ms() - before < 15'000);
  space.write("go", "");
  far.proxy.flow();
  const auto end = end_of(reader);
  REQUIRE(end);
  CHECK(end->ok());
  CHECK(space.read("heard").find("connected again") != std::string::npos);
  CHECK(space.read("heard").find("over") != std::string::npos);
}

TEST_CASE("a follower that was told to wait so long waits no longer for being cut") {
  CutSpace far("WF_TRANSPORT=libssh2\n");
  const Workspace& space = far.space;
  (void)space.data({"task-run", "--id", "t", "--cmd", "read -t 60 <> <(:)"});
  const pid_t reader = space.start({"--json", "task-wait", "t", "--timeout-secs", "2"}, "heard");
  REQUIRE(eventually([&] { return space.read("heard").find("running") != std::string::npos; }));
  far.proxy.cut_all();
  const auto end = end_of(reader);
  REQUIRE(end);
  CHECK(end->code == 124);
  (void)space.run({"task-cancel", "t"});
}

TEST_CASE("cut at any byte, task-run never starts twice and never lies") {
  CutSpace far("WF_TRANSPORT=libssh2\n");
  const Workspace& space = far.space;
  (void)space.data({"fsm-status"});
  const std::string mark = (space.dir() / "mark").string();
  const auto run = [&](int n) {
    const std::string id = "t" + std::to_string(n);
    return space.json({"task-run", "--id", id, "--cmd", "echo " + id + " >>'" + mark + "'"});
  };
  REQUIRE(flag_at(run(0), "ok"));
  const std::size_t whole = far.proxy.carried();
  constexpr int cuts = 200;
  int answered = 0;
  for (int n = 1; n <= cuts; ++n) {
    const std::size_t at = whole * std::size_t(n) / cuts;
    CAPTURE(n, at, whole);
    far.proxy.cut_next_after(at);
    const Json document = run(n);
    const std::string id = "t" + std::to_string(n);
    far.proxy.cut_next_after(Proxy::never);
    if (flag_at(document, "ok")) {
      ++answered;
      CHECK(flag_at(member(document, "data"), "created"));
      CHECK(reaches(space, id, "success"));
    } else {
      const Json& error = member(document, "error");
      INFO(dump_json(error));
      CHECK(number_at(error, "exit_code") == 4);
      // Unknown: then it either was never begun or ends as it should.
      if (fs::exists(space.task_dir(id))) CHECK(reaches(space, id, "success"));
    }
  }
  CHECK(answered > 0);
  CHECK(answered < cuts);
  // Each ran once at the most, and those that are there ran.
  std::map<std::string, int> times;
  for (const auto& id : split(trim(read_file(mark)), '\n')) times[id] += 1;
  for (const auto& [id, count] : times) {
    CAPTURE(id);
    CHECK(count == 1);
  }
  int there = 0;
  for (int n = 0; n <= cuts; ++n) there += fs::exists(space.task_dir("t" + std::to_string(n)));
  CHECK(times.size() == std::size_t(there));
}

TEST_CASE("cut at any byte, a status is right or unknown") {
  CutSpace far("WF_TRANSPORT=libssh2\n");
  const Workspace& space = far.space;
  (void)space.data({"pod-status"});
  (void)space.data({"fsm-status"});
  const std::size_t whole = far.proxy.carried();
  for (int n = 0; n < 40; ++n) {
    far.proxy.cut_next_after(whole * std::size_t(n) / 40);
    const Json document = space.json({"fsm-status"});
    CAPTURE(n, dump_json(document));
    if (flag_at(document, "ok")) {
      CHECK(text_at(member(document, "data"), "state") == "POD_READY");
    } else {
      CHECK(number_at(member(document, "error"), "exit_code") == 4);
    }
  }
}

}  // namespace workflow::test
