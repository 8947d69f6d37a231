#include <catch2/catch.hpp>

#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

// How tasks are ended: by a limit, by a person, and what they leave behind. KILL_GRACE_SECS is 2 in
// a Workspace.
namespace {

void runs_text(const Workspace& space, const std::string& id, const std::string& text,
               std::vector<std::string> more = {}) {
  std::vector<std::string> words{"task-run", "--id", id, "--cmd", text};
  words.insert(words.end(), more.begin(), more.end());
  (void)space.data(words);
}

constexpr const char* deaf = "trap '' TERM; touch ready; while :; do sleep 0.1; done";

bool mentions(const Json& record, const std::string& text) {
  return text_at(record, "reason").find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a limit ends a task with TERM") {
  const Workspace space;
  runs_text(space, "slow", "exec sleep 1000", {"--timeout-secs", "1"});
  const pid_t leader = leader_of(space, "slow");
  CHECK(space.run({"task-wait", "--exit-code=remote", "slow"}).status.code == 124);
  CHECK(space.run({"task-wait", "slow"}).status.code == 1);
  const Json record = space.task("slow");
  CHECK(text_at(record, "state") == "timed_out");
  CHECK(text_at(record, "reason") == "limit 1 s, ended by TERM");
  CHECK(text_at(record, "signal") == "TERM");
  CHECK_FALSE(process_lives(leader));
}

TEST_CASE("a command that exits well when its limit ends it is still timed out") {
  const Workspace space;
  runs_text(space, "polite", "trap 'exit 0' TERM; while :; do sleep 0.1; done",
            {"--timeout-secs", "1"});
  REQUIRE(reaches(space, "polite", "timed_out"));
  CHECK(number_at(space.task("polite"), "exit_code", -1) == 0);
}

TEST_CASE("a command that does not hear TERM is killed after the grace period") {
  const Workspace space;
  runs_text(space, "deaf", deaf, {"--timeout-secs", "1"});
  REQUIRE(reaches(space, "deaf", "timed_out"));
  const Json record = space.task("deaf");
  CHECK(mentions(record, "limit 1 s, ended by KILL after 2 s"));
  CHECK(text_at(record, "signal") == "KILL");
  CHECK(processes_with(space, {(space.task_dir("deaf") / "command.sh").string()}).empty());
}

TEST_CASE("a cancel ends a task and says by whom") {
  const Workspace space;
  runs_text(space, "plain", "exec sleep 1000");
  CHECK(space.run({"task-cancel", "plain"}).status.code == 0);
  CHECK(text_at(space.task("plain"), "state") == "cancelled");
  CHECK(mentions(space.task("plain"), "cancelled by tester@"));
  CHECK(space.run({"task-wait", "plain"}).status.code == 1);
  CHECK(flag_at(space.data({"task-cancel", "plain"}), "had_ended"));

  runs_text(space, "deaf", deaf);
  REQUIRE(appears(space.dir() / "ready"));
  CHECK(space.run({"task-cancel", "deaf"}).status.code == 0);
  CHECK(text_at(space.task("deaf"), "state") == "cancelled");
  CHECK(mentions(space.task("deaf"), "ended by KILL after 2 s"));
}

TEST_CASE("nothing that a command started outlives it, however it hides") {
  const Workspace space;
  // A grandchild; one that was forked twice; one of a session of its own that cleared its
  // environment and hears neither TERM nor HUP.
  const std::string deaf_child =
      "trap \"\" TERM HUP; echo $$ >\"$0\"; while :; do /bin/sleep 0.1; done";
  runs_text(space, "tree",
            "(sleep 1000 & echo $! >child.pid; wait) &\n"
            "( (echo $BASHPID >forked.pid; exec sleep 1001) & ) \n"
            "setsid env -i /bin/bash -c '" +
                deaf_child + "' \"$PWD/hidden.pid\" &\nwait\nsleep 1000\n");
  const std::vector<pid_t> all = {pid_in(space.dir() / "child.pid"),
                                  pid_in(space.dir() / "forked.pid"),
                                  pid_in(space.dir() / "hidden.pid")};
  for (const pid_t pid : all) REQUIRE(process_lives(pid));
  (void)space.data({"task-cancel", "tree"});
  CHECK(text_at(space.task("tree"), "state") == "cancelled");
  for (const pid_t pid : all) CHECK_FALSE(process_lives(pid));
  CHECK(member(space.task("tree"), "survivors").empty());
}

TEST_CASE("what is left behind by a command that ended well is ended too, and told") {
  const Workspace space;
  runs_text(space, "leaves", "setsid sleep 1000 & echo $! >left.pid; echo done");
  REQUIRE(reaches(space, "leaves", "success"));
  CHECK_FALSE(process_lives(pid_in(space.dir() / "left.pid")));
  CHECK(mentions(space.task("leaves"), "ended 1 of 1 processes it left behind"));
  CHECK(number_at(space.task("leaves"), "exit_code", -1) == 0);

  runs_text(space, "stubborn",
            "setsid bash -c 'trap \"\" TERM; echo $$ >deaf.pid; while :; do sleep 0.1; done' &\n"
            "while ! [ -s deaf.pid ]; do sleep 0.05; done; exit 5");
  REQUIRE(reaches(space, "stubborn", "failed"));
  CHECK_FALSE(process_lives(pid_in(space.dir() / "deaf.pid")));
  CHECK(number_at(space.task("stubborn"), "exit_code", -1) == 5);
  CHECK(mentions(space.task("stubborn"), "left behind"));
}

TEST_CASE("a trainer that needs a second to save gets it, and is told once") {
  const Workspace space;
  space.write("train.py",
              "import signal, time, sys\n"
              "told = []\n"
              "def save(*_):\n"
              "    told.append(1)\n"
              "    if len(told) > 1:\n"
              "        sys.exit('told twice')\n"
              "    end = time.monotonic() + 1\n"
              "    while time.monotonic() < end:\n"
              "        time.sleep(0.05)\n"
              "    open('checkpoint', 'w').write('saved')\n"
              "    print('saved')\n"
              "    sys.exit(0)\n"
              "signal.signal(signal.SIGTERM, save)\n"
              "print('training')\n"
              "while True:\n"
              "    time.sleep(0.05)\n");
  // Once as the leader, once below a shell that dies of TERM at once.
  for (const std::string& text :
       {std::string("exec python3 train.py"), std::string("python3 train.py; true")}) {
    INFO(text);
    fs::remove(space.dir() / "checkpoint");
    runs_text(space, "train", text, {"--force"});
    REQUIRE(eventually_is([&] { return log_of(space, "train"); }, "training\n"));
    (void)space.data({"task-cancel", "train"});
    CHECK(text_at(space.task("train"), "state") == "cancelled");
    CHECK(log_of(space, "train") == "training\nsaved\n");
    CHECK(fs::exists(space.dir() / "checkpoint"));
  }
}

TEST_CASE("Ctrl-C in its tmux window cancels a task; closing the window does nothing") {
  const Workspace space;
  const auto tmux = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"tmux", "-L", space.tmux_socket()});
    CaptureSpec spec;
    spec.argv = std::move(words);
    return capture(spec).out;
  };
  runs_text(space, "shown", "echo on the screen; exec sleep 1000");
  const auto shown = [&] {
    return tmux({"capture-pane", "-p", "-t", "=wf:"}).find("on the screen") != std::string::npos;
  };
  REQUIRE(eventually(shown));
  tmux({"kill-window", "-t", "=wf:"});
  CHECK(recorded_state(space, "shown") == "running");
  REQUIRE(space.run({"attach", "shown"}).ok());
  REQUIRE(eventually(shown));
  tmux({"send-keys", "-t", "=wf:", "C-c"});
  REQUIRE(reaches(space, "shown", "cancelled"));
  CHECK(mentions(space.task("shown"), "cancelled by the tmux window"));
}

TEST_CASE("TERM to a supervisor is a cancel: nothing is left running without one") {
  const Workspace space;
  runs_text(space, "down", "exec sleep 1000");
  const pid_t leader = leader_of(space, "down");
  REQUIRE(::kill(supervisor_of(space, "down"), SIGTERM) == 0);
  REQUIRE(reaches(space, "down", "cancelled"));
  CHECK_FALSE(process_lives(leader));
}
