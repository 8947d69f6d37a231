// Steps that meet each other, are killed, or end with nobody to write it down.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/step_space.h"

namespace workflow::test {
namespace {

/// An install command that goes on until the test writes `go`.
std::string waiting(const StepSpace& at) {
  return "CHECKOUT_INSTALL_CMD=touch '" + (at.space.dir() / "waits").string() + "'; until [ -e '" +
         (at.space.dir() / "go").string() + "' ]; do read -t 0.05 x <> <(:); " + "done; true";
}

void await(const fs::path& path) {
  REQUIRE(eventually([&] { return fs::exists(path); }));
}

int exit_of(pid_t pid) {
  int status = -1;
  REQUIRE(eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, 60'000));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void end_now(const Json& process) {
  const auto pid = static_cast<pid_t>(number_at(process, "pid"));
  REQUIRE(pid > 1);
  ::kill(pid, SIGKILL);
  REQUIRE(eventually([&] { return !process_lives(pid); }));
}

}  // namespace

TEST_CASE("the same step attaches to the one that is going; another one is busy") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  at.space.set(waiting(at));
  const pid_t first = at.space.start({"checkout"}, "first.txt");
  await(at.space.dir() / "waits");
  const std::string task = text_at(member(at.space.state(), "lease"), "task_id");
  CHECK(task.starts_with("checkout-"));

  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"bootstrap"}, {"checkout", "--branch", "other"}}) {
    INFO(join(words, " "));
    const Json busy = at.space.json(words);
    const Json& error = member(busy, "error");
    CHECK(number_at(error, "exit_code") == 5);
    CHECK(text_at(member(error, "holder"), "task_id") == task);
    CHECK(text_at(member(error, "holder"), "user") == "tester");
    CHECK(contains(text_at(error, "hint"), "workflow task-logs -f " + task));
  }
  CHECK(text_at(member(at.space.data({"fsm-status"}), "lease"), "task_id") == task);
  CHECK(contains(at.space.run({"fsm-status"}).out, "busy        checkout by tester@"));

  const pid_t second = at.space.start({"checkout"}, "second.txt");
  REQUIRE(eventually([&] { return contains(at.space.read("second.txt"), "is going already"); }));
  at.space.write("go", "");
  CHECK(exit_of(first) == 0);
  CHECK(exit_of(second) == 0);
  CHECK(contains(at.space.read("first.txt"), "CHECKED_OUT"));
  CHECK(contains(at.space.read("second.txt"), "CHECKED_OUT"));
  CHECK(member(at.space.data({"task-list"}), "tasks").size() == 2);
  CHECK(member(at.space.state(), "lease").is_null());
}

TEST_CASE("the same step asked for at the same moment is one step or one after the other") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  for (int round = 0; round < 3; ++round) {
    std::vector<pid_t> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(at.space.start({"checkout"}, "client" + std::to_string(i) + ".txt"));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const int code = exit_of(clients[i]);
      INFO(at.space.read("client" + std::to_string(i) + ".txt"));
      CHECK(code == 0);
    }
  }
  CHECK(text_at(at.space.state(), "state") == "CHECKED_OUT");
  CHECK(member(at.space.state(), "lease").is_null());
}

TEST_CASE("a step outlives its supervisor unseen: its end is unknown, the state stays") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  at.space.set(waiting(at));
  const pid_t client = at.space.start({"checkout"}, "client.txt");
  await(at.space.dir() / "waits");
  const std::string task = text_at(member(at.space.state(), "lease"), "task_id");
  end_now(member(at.space.task(task), "supervisor"));
  const Json busy = at.space.json({"bootstrap"});
  CHECK(number_at(member(busy, "error"), "exit_code") == 5);
  at.space.write("go", "");
  CHECK(exit_of(client) == 1);
  CHECK(text_at(at.space.data({"task-status", task}), "state") == "lost");
  CHECK(text_at(at.space.state(), "state") == "BOOTSTRAPPED");
  CHECK(at.space.run({"checkout"}).status.code == 0);
  CHECK(text_at(at.space.state(), "state") == "CHECKED_OUT");
}

TEST_CASE("Ctrl-C leaves the step at work") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  at.space.set(waiting(at));
  const pid_t client = at.space.start({"checkout"}, "client.txt");
  await(at.space.dir() / "waits");
  ::kill(client, SIGINT);
  CHECK(exit_of(client) == 130);
  CHECK(contains(at.space.read("client.txt"), "detached; 'checkout' goes on as task checkout-"));
  CHECK(contains(at.space.read("client.txt"), "end it: workflow task-cancel checkout-"));
  at.space.write("go", "");
  REQUIRE(eventually_is([&] { return text_at(at.space.state(), "state"); }, "CHECKED_OUT"));
}

TEST_CASE("a step that is cancelled leaves the state and lets go of it") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  at.space.set(waiting(at));
  const pid_t client = at.space.start({"checkout"}, "client.txt");
  await(at.space.dir() / "waits");
  const std::string task = text_at(member(at.space.state(), "lease"), "task_id");
  CHECK(at.space.run({"task-cancel", task}).status.code == 0);
  CHECK(exit_of(client) == 1);
  CHECK(text_at(at.space.state(), "state") == "BOOTSTRAPPED");
  CHECK(member(at.space.state(), "lease").is_null());
}

TEST_CASE("a checkout killed in the middle with its supervisor: the next one works") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  const Workspace& space = at.space;
  // A git that stops in the middle of the clone, with half of it on the disk.
  real_files().write(space.dir() / "tools" / "git",
                     "#!/bin/sh\ncase \"$1\" in clone) for d; do :; done\n"
                     "  mkdir -p \"$d/.git/objects\"; touch '" +
                         (space.dir() / "waits").string() + "'; exec cat '" +
                         (space.dir() / "never").string() +
                         "' ;;\nesac\nexec /usr/bin/git \"$@\"\n",
                     {.mode = 0755, .durable = false});
  REQUIRE(::mkfifo((space.dir() / "never").c_str(), 0600) == 0);
  const std::string path = std::getenv("PATH");
  at.space.set("PATH=" + (space.dir() / "tools").string() + ":" + path);
  const pid_t client = space.start({"checkout"}, "client.txt");
  await(space.dir() / "waits");
  const std::string task = text_at(member(space.state(), "lease"), "task_id");
  const Json status = space.task(task);
  end_now(member(status, "supervisor"));
  end_now(status);
  CHECK(exit_of(client) == 1);
  CHECK(text_at(space.task(task), "state") == "lost");
  CHECK(text_at(space.state(), "state") == "BOOTSTRAPPED");
  fs::remove(space.dir() / "tools" / "git");
  const Captured next = space.run({"checkout"});
  INFO(next.err);
  CHECK(next.status.code == 0);
  CHECK(at.in_copy("a.py") == "a\n");
  CHECK(text_at(space.state(), "state") == "CHECKED_OUT");
  for (const auto& name : real_files().list(at.copy().parent_path())) {
    CHECK_FALSE(contains(name, ".clone-"));
  }
}

TEST_CASE("a step that ended well before anybody wrote it down is committed by the next command") {
  const std::string next = GENERATE("pod-status", "checkout", "task-run");
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  CHECK(at.space.run({"checkout"}).status.code == 0);
  // As if the supervisor had died after its task's record and before the state.
  Json state = at.space.state();
  const std::string task = text_at(at.space.data({"task-list"})["tasks"].back(), "task_id");
  REQUIRE(task.starts_with("checkout-"));
  state["state"] = "BOOTSTRAPPED";
  state["claims"].erase("checkout");
  state["lease"] = {{"command", "checkout"},
                    {"task_id", task},
                    {"user", "ana"},
                    {"host", "laptop"},
                    {"pid", 1},
                    {"client", "workflow 0.1.0"},
                    {"since", "2026-01-31T23:59:59.042Z"}};
  at.space.write(StepSpace::record, pretty_json(state));

  const Json shown = at.space.data({"fsm-status"});
  CHECK(text_at(shown, "state") == "CHECKED_OUT");
  CHECK(text_at(shown, "recorded_state") == "BOOTSTRAPPED");
  CHECK(member(shown, "lease").is_null());
  CHECK(member(at.space.state(), "lease").is_object());

  std::vector<std::string> words{next};
  if (next == "task-run") words.insert(words.end(), {"--wait", "--", "true"});
  const Captured answer = at.space.run(words);
  INFO(answer.err);
  CHECK(answer.status.code == 0);
  CHECK(contains(answer.err, "recorded afterwards"));
  CHECK(text_at(at.space.state(), "state") == "CHECKED_OUT");
  CHECK(member(at.space.state(), "lease").is_null());
  CHECK(member(at.space.state(), "claims").contains("checkout"));
}

TEST_CASE("a lease whose task nobody knows is taken over") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  Json state = at.space.state();
  state["lease"] = {{"command", "checkout"},
                    {"task_id", "checkout-99"},
                    {"user", "ana"},
                    {"host", "laptop"},
                    {"since", "2026-01-31T23:59:59.042Z"}};
  at.space.write(StepSpace::record, pretty_json(state));
  const Captured answer = at.space.run({"checkout"});
  CHECK(answer.status.code == 0);
  CHECK(contains(answer.err, "took over from 'checkout' (task checkout-99)"));
  CHECK(text_at(at.space.state(), "state") == "CHECKED_OUT");
}

}  // namespace workflow::test
