#include <catch2/catch.hpp>

#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

// The fault matrix: who is killed, and what may be believed afterwards.
namespace {

/// Ends what follows the log in the task's window: it is a contact too, and adopts.
void close_window(const Workspace& space, const std::string& id) {
  std::vector<pid_t> attending;
  REQUIRE(eventually([&] {
    attending = processes_with(space, {"attend", space.task_dir(id).string()});
    return !attending.empty();
  }));
  for (const pid_t pid : attending) REQUIRE(kill_hard(pid));
}

enum class Window { closed, open };

/// A task that writes `before`, waits for the file `go`, writes `after` and exits with `code`.
void waits_for_go(const Workspace& space, const std::string& id, int code,
                  Window window = Window::closed) {
  (void)space.data({"task-run", "--id", id, "--cmd",
                    "echo before; while ! [ -e go ]; do sleep 0.05; done; echo after; exit " +
                        std::to_string(code)});
  REQUIRE(eventually_is([&] { return log_of(space, id); }, "before\n"));
  if (window == Window::closed) close_window(space, id);
}

std::size_t adopters(const Workspace& space, const std::string& id) {
  const std::string dir = space.task_dir(id).string();
  return processes_with(space, {"adopt", dir}).size() +
         processes_with(space, {"supervise", dir}).size();
}

/// status.json rewritten by another hand.
void edit(const Workspace& space, const std::string& id, const char* key, const Json& value) {
  Json record = space.task(id);
  record[key] = value;
  real_files().write(space.task_dir(id) / "status.json", pretty_json(record));
}

}  // namespace

TEST_CASE("a command outlives its supervisor, loses no byte, and is never called a success") {
  for (const int code : {0, 3}) {
    INFO("exit " << code);
    const Workspace space;
    waits_for_go(space, "orphan", code);
    const pid_t leader = leader_of(space, "orphan");
    REQUIRE(kill_hard(supervisor_of(space, "orphan")));
    CHECK(process_lives(leader));
    CHECK(recorded_state(space, "orphan") == "running");

    CHECK(text_at(space.data({"task-status", "orphan"}), "state") == "running");
    REQUIRE(eventually([&] {
      return flag_at(space.data({"task-status", "orphan"}), "supervised");
    }));
    CHECK(adopters(space, "orphan") == 1);
    CHECK(number_at(space.task("orphan"), "pid") == leader);

    space.write("go", "");
    CHECK(space.run({"task-wait", "orphan"}).status.code == 1);
    CHECK(space.run({"task-wait", "--exit-code=remote", "orphan"}).status.code == 4);
    const Json record = space.task("orphan");
    CHECK(text_at(record, "state") == "lost");
    CHECK(text_at(record, "reason").rfind("exit status unknown", 0) == 0);
    CHECK(member(record, "exit_code").is_null());
    CHECK(log_of(space, "orphan") == "before\nafter\n");
  }
}

TEST_CASE("a command whose supervisor died and that ended unseen is lost at the next contact") {
  const Workspace space;
  waits_for_go(space, "unseen", 0);
  const pid_t leader = leader_of(space, "unseen");
  REQUIRE(kill_hard(supervisor_of(space, "unseen")));
  space.write("go", "");
  REQUIRE(eventually([&] { return !process_lives(leader); }));
  CHECK(recorded_state(space, "unseen") == "running");
  CHECK(text_at(space.data({"task-status", "unseen"}), "state") == "lost");
  CHECK(text_at(space.task("unseen"), "reason").rfind("exit status unknown", 0) == 0);
  CHECK(log_of(space, "unseen") == "before\nafter\n");
  CHECK(eventually_is([&] { return adopters(space, "unseen"); }, std::size_t{0}));
}

TEST_CASE("a follower that is there when the supervisor dies adopts the command itself") {
  const Workspace space;
  waits_for_go(space, "watched", 0);
  const pid_t follower = space.start({"task-wait", "watched"}, "wait.out");
  REQUIRE(eventually_is([&] { return processes_with(space, {"call"}).size(); }, std::size_t{1}));
  REQUIRE(kill_hard(supervisor_of(space, "watched")));
  REQUIRE(eventually_is([&] { return adopters(space, "watched"); }, std::size_t{1}));
  space.write("go", "");
  const auto ended = end_of(follower);
  REQUIRE(ended);
  CHECK(ended->code == 1);
  CHECK(recorded_state(space, "watched") == "lost");
}

TEST_CASE("a task's window is a contact: an orphan is adopted without anybody asking") {
  const Workspace space;
  waits_for_go(space, "shown", 0, Window::open);
  const pid_t old = supervisor_of(space, "shown");
  REQUIRE(kill_hard(old));
  REQUIRE(eventually([&] { return supervisor_of(space, "shown") != old; }));
  CHECK(adopters(space, "shown") == 1);
  space.write("go", "");
  REQUIRE(reaches(space, "shown", "lost"));
}

TEST_CASE("kill -9 of the command is a failure by KILL") {
  const Workspace space;
  waits_for_go(space, "shot", 0);
  REQUIRE(kill_hard(leader_of(space, "shot")));
  REQUIRE(reaches(space, "shot", "failed"));
  CHECK(text_at(space.task("shot"), "signal") == "KILL");
  CHECK(space.run({"task-wait", "--exit-code=remote", "shot"}).status.code == 137);
}

TEST_CASE("supervisor and command killed together leave a lost task") {
  const Workspace space;
  waits_for_go(space, "both", 0);
  const pid_t leader = leader_of(space, "both");
  REQUIRE(kill_hard(supervisor_of(space, "both")));
  REQUIRE(kill_hard(leader));
  CHECK(text_at(space.data({"task-status", "both"}), "state") == "lost");
  CHECK(text_at(member(space.data({"task-list"}), "tasks")[0], "state") == "lost");
}

TEST_CASE("an orphan can be cancelled") {
  const Workspace space;
  waits_for_go(space, "stray", 0);
  const pid_t leader = leader_of(space, "stray");
  REQUIRE(kill_hard(supervisor_of(space, "stray")));
  CHECK(space.run({"task-cancel", "stray"}).status.code == 0);
  CHECK(recorded_state(space, "stray") == "cancelled");
  CHECK_FALSE(process_lives(leader));
}

TEST_CASE("whoever adopts a command enforces its limit from its own start") {
  const Workspace space;
  (void)space.data({"task-run", "--id", "limited", "--timeout-secs", "3", "--cmd",
                    "trap '' TERM; while :; do sleep 0.1; done"});
  const pid_t leader = leader_of(space, "limited");
  REQUIRE(kill_hard(supervisor_of(space, "limited")));
  (void)space.data({"task-status", "limited"});
  REQUIRE(reaches(space, "limited", "timed_out"));
  CHECK(text_at(space.task("limited"), "reason").rfind("limit 3 s, ended by KILL", 0) == 0);
  CHECK_FALSE(process_lives(leader));
}

TEST_CASE("an adopter may be killed in its turn") {
  const Workspace space;
  waits_for_go(space, "again", 0);
  const pid_t leader = leader_of(space, "again");
  for (int i = 0; i < 3; ++i) {
    const pid_t old = supervisor_of(space, "again");
    REQUIRE(kill_hard(old));
    (void)space.data({"task-status", "again"});
    REQUIRE(eventually([&] { return supervisor_of(space, "again") != old; }));
    CHECK(process_lives(leader));
  }
  space.write("go", "");
  REQUIRE(reaches(space, "again", "lost"));
  CHECK(log_of(space, "again") == "before\nafter\n");
}

TEST_CASE("many contacts at once give an orphan exactly one supervisor") {
  const Workspace space;
  waits_for_go(space, "crowd", 0);
  REQUIRE(kill_hard(supervisor_of(space, "crowd")));
  std::vector<pid_t> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(space.start({"task-status", "crowd"}, "crowd.out"));
  for (const pid_t client : clients) {
    const auto ended = end_of(client);
    REQUIRE(ended);
    CHECK(ended->code == 0);
  }
  REQUIRE(eventually([&] {
    (void)space.data({"task-status", "crowd"});
    return adopters(space, "crowd") == 1;
  }));
  CHECK(processes_with(space, {"adopt", space.task_dir("crowd").string()}).front() ==
        supervisor_of(space, "crowd"));
  CHECK(space.read("crowd.out").find("running") != std::string::npos);
}

TEST_CASE("a killed tmux server changes nothing; attach opens the window again") {
  const Workspace space;
  waits_for_go(space, "window", 0, Window::open);
  const auto tmux = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"tmux", "-L", space.tmux_socket()});
    CaptureSpec spec;
    spec.argv = std::move(words);
    return capture(spec);
  };
  const Captured server = tmux({"display-message", "-p", "-t", "=wf:", "#{pid}"});
  INFO(server.err);
  REQUIRE(kill_hard(static_cast<pid_t>(parse_integer(trim(server.out)).value_or(0))));
  CHECK(text_at(space.data({"task-status", "window"}), "state") == "running");
  CHECK(process_lives(supervisor_of(space, "window")));

  const Captured attach = space.run({"attach", "window"});
  CHECK(attach.ok());
  CHECK(attach.out.rfind("tmux -L " + space.tmux_socket() + " attach -t =wf", 0) == 0);
  CHECK(tmux({"list-windows", "-t", "=wf", "-F", "#{window_name}"}).out.find("task-window\n") !=
        std::string::npos);
  CHECK(space.run({"attach", "window"}).out == attach.out);
  space.write("go", "");
  CHECK(space.run({"task-wait", "window"}).status.code == 0);
}

TEST_CASE("a task of an earlier boot is lost, and nobody who has its numbers now is touched") {
  const Workspace space;
  waits_for_go(space, "stranger", 0);
  const pid_t child = leader_of(space, "stranger");
  const pid_t parent = supervisor_of(space, "stranger");
  waits_for_go(space, "rebooted", 0);
  const pid_t leader = leader_of(space, "rebooted");
  REQUIRE(kill_hard(supervisor_of(space, "rebooted")));
  REQUIRE(kill_hard(leader));
  edit(space, "rebooted", "boot_id", "00000000-0000-0000-0000-000000000000");
  // The number of its leader was given to a process that has children.
  edit(space, "rebooted", "pid", parent);
  CHECK(text_at(space.data({"task-status", "rebooted"}), "state") == "lost");
  CHECK(process_lives(parent));
  CHECK(process_lives(child));
  CHECK(recorded_state(space, "stranger") == "running");
}
