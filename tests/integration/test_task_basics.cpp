#include <catch2/catch.hpp>

#include "tests/support/answers.h"
#include "tests/support/provoked.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

namespace {

Json error_of(const Json& document) { return member(document, "error"); }

}  // namespace

TEST_CASE("a task ends with its command's own code, whatever that means elsewhere") {
  const Workspace space;
  for (const int own : {0, 1, 2, 124, 127, 137, 255}) {
    INFO("exit " << own);
    const std::string id = "exit-" + std::to_string(own);
    const int ours = own == 0 ? 0 : 1;
    CHECK(code_of(space.run(
              {"task-run", "--wait", "--id", id, "--cmd", "exit " + std::to_string(own)})) == ours);
    const Json record = space.task(id);
    CHECK(text_at(record, "state") == (own == 0 ? "success" : "failed"));
    CHECK(number_at(record, "exit_code", -1) == own);
    CHECK(member(record, "signal").is_null());
    CHECK(text_at(record, "ended_at") >= text_at(record, "started_at"));
    CHECK(code_of(space.run({"task-wait", id})) == ours);
    CHECK(code_of(space.run({"task-wait", "--exit-code=remote", "--id", id})) == own);
    CHECK(code_of(space.run({"task-wait", "--exit-code", "own", id})) == ours);
  }
}

TEST_CASE("death by a signal is recorded as that signal") {
  const Workspace space;
  struct Row {
    int number;
    const char* name;
  };
  for (const Row& row : {Row{SIGHUP, "HUP"}, Row{SIGINT, "INT"}, Row{SIGABRT, "ABRT"},
                         Row{SIGKILL, "KILL"}, Row{SIGSEGV, "SEGV"}, Row{SIGTERM, "TERM"}}) {
    INFO(row.name);
    const std::string id = std::string("by-") + row.name;
    const Captured done =
        space.run({"task-run", "--wait", "--exit-code=remote", "--id", id, "--cmd",
                   "ulimit -c 0; kill -" + std::to_string(row.number) + " $$"});
    CHECK(code_of(done) == 128 + row.number);
    const Json record = space.task(id);
    CHECK(text_at(record, "state") == "failed");
    CHECK(text_at(record, "signal") == row.name);
    CHECK(member(record, "exit_code").is_null());
    CHECK(code_of(space.run({"task-wait", id})) == 1);
  }
}

TEST_CASE("a command that cannot be started is a failed task that says why") {
  const Workspace space;
  space.write("plain.txt", "not a program\n");
  struct Row {
    std::vector<std::string> words;
    const char* reason;
  };
  const std::string plain = (space.dir() / "plain.txt").string();
  const std::vector<Row> rows = {
      {{"--", "no-such-program", "x"}, "cannot find 'no-such-program': No such file or directory"},
      {{"--", "/nowhere/prog"}, "cannot execute '/nowhere/prog': No such file or directory"},
      {{"--", plain.c_str()}, "Permission denied"},
      {{"--workdir", "/nowhere/at/all", "--", "true"},
       "cannot change directory to '/nowhere/at/all': No such file or directory"}};
  int n = 0;
  for (const auto& row : rows) {
    const std::string id = "bad-" + std::to_string(++n);
    std::vector<std::string> words{"task-run", "--id", id};
    words.insert(words.end(), row.words.begin(), row.words.end());
    const Captured done = space.run(words);
    INFO(done.err);
    CHECK(code_of(done) == 1);
    CHECK(done.err.find(row.reason) != std::string::npos);
    const Json record = space.task(id);
    CHECK(text_at(record, "state") == "failed");
    CHECK(text_at(record, "reason").find(row.reason) != std::string::npos);
    CHECK(member(record, "exit_code").is_null());
    CHECK(!text_at(record, "ended_at").empty());
  }
}

TEST_CASE("our own wait runs out with 124 and the work goes on") {
  const Workspace space;
  (void)space.data({"task-run", "--id", "long", "--", "sleep", "1000"});
  const Captured done = space.run({"task-wait", "--timeout-secs", "1", "long"});
  CHECK(code_of(done) == 124);
  CHECK(done.err.find("goes on") != std::string::npos);
  CHECK(text_at(space.data({"task-status", "long"}), "state") == "running");
  const Json document = space.json({"task-wait", "--timeout-secs", "0", "long"});
  CHECK(text_at(error_of(document), "code") == "wait_timeout");
  CHECK(number_at(error_of(document), "exit_code") == 124);
}

TEST_CASE("what is no task, no id or no command is refused before anything is done") {
  const Workspace space;
  for (const char* command : {"task-status", "task-wait", "task-logs", "task-cancel", "attach"}) {
    INFO(command);
    CHECK(code_of(space.run({command, "nobody"})) == 6);
    for (const std::string& id : {std::string("../x"), std::string(), std::string(129, 'a'),
                                  std::string(".hidden"), std::string("a b")}) {
      INFO("id '" << id << "'");
      CHECK(code_of(space.run({command, id})) == 2);
    }
  }
  for (const std::string& id : {std::string("../x"), std::string(), std::string(129, 'a')}) {
    CHECK(code_of(space.run({"task-run", "--id", id, "--", "true"})) == 2);
  }
  CHECK(code_of(space.run({"task-run", "--id", "none"})) == 2);
  CHECK(code_of(space.run({"task-run", "--cmd", "true", "--", "true"})) == 2);
  CHECK(code_of(space.run({"task-run", "--env", "NOVALUE", "--", "true"})) == 2);
  CHECK(code_of(space.run({"task-run", "--wait", "--exit-code=none", "--", "true"})) == 2);
  CHECK(space.data({"task-list"})["tasks"].empty());
  CHECK(code_of(space.run({"task-run", "--wait", "--id", std::string(128, 'a'), "--", "true"})) ==
        0);
}

TEST_CASE("the same id with the same command is the same task") {
  const Workspace space;
  const std::vector<std::string> words{"task-run", "--id", "one",   "--env",
                                       "A=1",      "--",   "sleep", "1000"};
  const Json first = space.data(words);
  CHECK(flag_at(first, "created"));
  const Json again = space.data(words);
  CHECK_FALSE(flag_at(again, "created", true));
  CHECK(number_at(again, "pid") == number_at(first, "pid"));
  CHECK(code_of(space.run({"task-run", "--id", "one", "--env", "A=2", "--", "sleep", "1000"})) ==
        8);
  CHECK(code_of(space.run({"task-run", "--id", "one", "--", "sleep", "1000"})) == 8);
  CHECK(code_of(space.run({"task-run", "--id", "one", "--env", "A=1", "--workdir", "/", "--",
                           "sleep", "1000"})) == 8);

  const Json forced = space.data({"task-run", "--force", "--id", "one", "--", "sleep", "2000"});
  CHECK(flag_at(forced, "created"));
  CHECK_FALSE(process_lives(static_cast<pid_t>(number_at(first, "pid"))));
  const auto shelf = real_files().list(space.outputs() / "_bak" / "one");
  REQUIRE(shelf.size() == 1);
  const Json old = parse_json(
      read_file(space.outputs() / "_bak" / "one" / shelf[0] / "status.json"), "old status");
  CHECK(text_at(old, "state") == "cancelled");
  CHECK(text_at(space.task("one"), "state") == "running");
}

TEST_CASE("the same task-run many times at once starts one process") {
  const Workspace space;
  std::vector<pid_t> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(
        space.start({"--json", "task-run", "--id", "race", "--", "sleep", "1000"}, "race.out"));
  }
  for (const pid_t client : clients) {
    const auto ended = end_of(client);
    REQUIRE(ended);
    CHECK(ended->code == 0);
  }
  int created = 0;
  for (const auto& line : split(trim(space.read("race.out")), '\n')) {
    const std::size_t at = line.find("{\"schema\"");
    if (at == std::string::npos) continue;
    created += flag_at(member(parse_json(line.substr(at), "line"), "data"), "created") ? 1 : 0;
  }
  CHECK(created == 1);
  CHECK(processes_with(space, {"sleep", "1000"}).size() == 1);
}

TEST_CASE("without tmux tasks run all the same") {
  const Workspace space;
  // A PATH of its own: tmux lies in the same directory as everything else.
  for (const char* name : {"sh", "bash", "id", "uname", "mkdir", "cat", "cp", "mv", "rm", "wc",
                           "chmod", "sha256sum", "sleep", "echo"}) {
    fs::create_directories(space.dir() / "bin");
    fs::create_symlink(fs::path("/usr/bin") / name, space.dir() / "bin" / name);
  }
  const auto bare = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"/usr/bin/env", "-C", space.dir().string(),
                                 "PATH=" + (space.dir() / "bin").string(),
                                 "HOME=" + space.home().string(), workflow_program()});
    CaptureSpec spec;
    spec.argv = std::move(words);
    return provoked(spec);
  };
  const Captured done = bare({"task-run", "--wait", "--id", "bare", "--", "echo", "hi"});
  INFO(done.err);
  CHECK(code_of(done) == 0);
  CHECK(done.out == "hi\n");
  CHECK(code_of(bare({"attach", "bare"})) == 7);
}

TEST_CASE("attach opens a task's own window, also when tmux counts from the beginning again") {
  const Workspace space;
  (void)space.data({"task-run", "--id", "one", "--cmd", "read -t 60 <> <(:)"});
  CaptureSpec kill;
  kill.argv = {"tmux", "-L", space.tmux_socket(), "kill-server"};
  REQUIRE(capture(kill).ok());
  // The new server gives its first window the number that `one` remembers.
  (void)space.data({"task-run", "--id", "two", "--cmd", "read -t 60 <> <(:)"});
  const std::string window = text_at(space.data({"attach", "one"}), "attach");
  CaptureSpec show;
  show.argv = {"tmux",
               "-L",
               space.tmux_socket(),
               "display-message",
               "-p",
               "-t",
               window.substr(window.rfind('@')),
               "#{window_name}"};
  CHECK(trim(capture(show).out) == "task-one");
}

TEST_CASE("a command has no stdin, one log for both streams, and its environment") {
  const Workspace space("SOME_KEY=1\n");
  CHECK(code_of(space.run({"task-run", "--wait", "--id", "in", "--cmd",
                           "readlink /proc/self/fd/0; wc -c"})) == 0);
  CHECK(log_of(space, "in") == "/dev/null\n0\n");
  CHECK(code_of(space.run({"task-run", "--wait", "--id", "both", "--cmd",
                           "for i in 1 2 3; do echo out$i; echo err$i >&2; done"})) == 0);
  CHECK(log_of(space, "both") == "out1\nerr1\nout2\nerr2\nout3\nerr3\n");
  CHECK(code_of(space.run({"task-run", "--wait", "--id", "env", "--env", "A=1", "--env", "A=2",
                           "--cmd", "echo $PYTHONUNBUFFERED $A $WF_TASK_ID; pwd"})) == 0);
  CHECK(log_of(space, "env") == "1 2 env\n" + space.dir().string() + "\n");
  CHECK(code_of(space.run({"task-run", "--wait", "--id", "own", "--env", "PYTHONUNBUFFERED=0", "--",
                           "env"})) == 0);
  CHECK(log_of(space, "own").find("PYTHONUNBUFFERED=0\n") != std::string::npos);
  CHECK(log_of(space, "own").find("PYTHONUNBUFFERED=1\n") == std::string::npos);
}
