// exec: bytes, codes and streams as they are, over every way to a target; it ends with its line.
#include <signal.h>

#include <catch2/catch.hpp>
#include <random>

#include "common/text.h"
#include "tasks/process.h"
#include "tests/support/eventually.h"
#include "tests/support/far_space.h"

namespace workflow::test {
namespace {

std::string random_bytes(std::size_t size) {
  std::mt19937 random(1);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

/// Waits for a number that a command wrote to a file.
pid_t pid_in(const fs::path& file) {
  REQUIRE(eventually([&] {
    const auto text = real_files().read(file);
    return text && !text->empty() && text->back() == '\n';
  }));
  return static_cast<pid_t>(*parse_integer(trim(read_file(file))));
}

}  // namespace

TEST_CASE("stdin goes there and both streams come back, apart and unaltered") {
  const FarSpace far(GENERATE("local", "libssh2", "openssh"));
  const std::string bytes = random_bytes(5'000'000);
  const Captured echoed = far.run({"exec", "--", "cat"}, bytes);
  CHECK(echoed.err == "");
  CHECK(echoed.ok());
  CHECK((echoed.out == bytes));
  const Captured both =
      far.run({"exec", "--cmd", "head -c 1000000 /dev/zero & head -c 1000000 /dev/zero >&2; wait"});
  CHECK(both.out == std::string(1'000'000, '\0'));
  CHECK(both.err == std::string(1'000'000, '\0'));
  const Captured deaf = far.run({"exec", "--", "true"}, bytes);
  CHECK(deaf.ok());
}

TEST_CASE("every byte of a word and of the environment arrives") {
  const FarSpace far(GENERATE("local", "libssh2", "openssh"));
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  const Captured words =
      far.run({"exec", "--", "printf", "%s|%s|%s", all, "$(id) 'x' \"y\" `z` \\", ""});
  CHECK(words.ok());
  CHECK((words.out == all + "|$(id) 'x' \"y\" `z` \\|"));
  const Captured env = far.run({"exec", "--env", "HOSTILE=" + all, "--", "printenv", "HOSTILE"});
  CHECK((env.out == all + "\n"));
  const Captured text = far.run({"exec", "--cmd", "printf '%s' \"a'b\"; echo ' ä'"});
  CHECK(text.out == "a'b ä\n");
}

TEST_CASE("the command's own code is told, and is the code when asked for") {
  const FarSpace far(GENERATE("local", "libssh2", "openssh"));
  const Captured three = far.run({"exec", "--", "sh", "-c", "exit 3"});
  CHECK(three.status.code == 1);
  CHECK(three.err == "workflow: 'sh -c exit 3' failed: exit 3\n");
  for (const int code : {0, 1, 4, 126, 130, 255}) {
    const std::string text = "exit " + std::to_string(code);
    CHECK(far.run({"exec", "--exit-code=remote", "--cmd", text}).status.code == code);
  }
  const Captured killed = far.run({"exec", "--exit-code=remote", "--cmd", "kill -KILL $$"});
  CHECK(killed.status.code == 137);
  CHECK(contains(killed.err, "failed: signal KILL"));
  const Captured absent = far.run({"exec", "--exit-code=remote", "--", "no-such-program"});
  CHECK(absent.status.code == 127);
  CHECK(contains(absent.err, "cannot find 'no-such-program'"));
}

TEST_CASE("it runs in the working copy, or where it is told") {
  const FarSpace far(GENERATE("local", "libssh2"));
  fs::create_directories(far.far() / "sub dir");
  CHECK(far.run({"exec", "--", "pwd"}).out == far.far().string() + "\n");
  CHECK(far.run({"exec", "--workdir", "sub dir", "--", "pwd"}).out ==
        (far.far() / "sub dir").string() + "\n");
  CHECK(far.run({"exec", "--workdir", "~/", "--", "pwd"}).out == far.space.home().string() + "\n");
  const Captured nowhere = far.run({"exec", "--workdir", "nosuch", "--", "pwd"});
  CHECK(nowhere.status.code == 1);
  CHECK(contains(nowhere.err, "cannot change directory to"));
}

TEST_CASE("--json tells the streams as events and the end as an envelope") {
  const FarSpace far("local");
  const Captured told = far.run({"--json", "exec", "--cmd", "printf 'a\\377'; echo b >&2; exit 5"});
  CHECK(told.status.code == 1);
  std::string out;
  std::string err;
  Json last;
  for (const auto& line : split(trim(told.out), '\n')) {
    last = parse_json(line, "a line of stdout");
    if (text_at(last, "event") != "log") continue;
    (text_at(last, "stream") == "err" ? err : out) +=
        last.contains("text") ? text_at(last, "text") : *unbase64(text_at(last, "base64"));
  }
  CHECK(out == "a\xff");
  CHECK(err == "b\n");
  CHECK(text_at(last, "schema") == "workflow.exec/1");
  CHECK(text_at(last, "event") == "result");
  CHECK(number_at(member(last, "data"), "exit_code") == 5);
  CHECK(text_at(member(last, "error"), "code") == "work_failed");
}

TEST_CASE("a tmux server that a task brought up knows no secret") {
  Workspace space("WF_SECRETS=API_KEY\n");
  space.set("API_KEY=key-48151623");
  (void)space.data({"task-run", "--id", "t", "--", "tail", "-f", "/dev/null"});
  CaptureSpec spec;
  spec.argv = {"tmux", "-L", space.tmux_socket(), "show-environment", "-g"};
  const Captured kept = capture(spec);
  CHECK(kept.ok());
  CHECK(contains(kept.out, "HOME="));
  CHECK_FALSE(contains(kept.out, "key-48151623"));
}

TEST_CASE("what WF_SECRETS names reaches the command and no screen") {
  FarSpace far("libssh2", "WF_SECRETS=API_KEY\n");
  far.space.set("API_KEY=hush-hush-42");
  const Captured shown = far.run({"exec", "--cmd", "echo ${#API_KEY} $API_KEY; echo $API_KEY >&2"});
  CHECK(shown.out == "12 ***\n");
  CHECK(shown.err == "***\n");
  // Nor in the environment of the ssh that carries it.
  FarSpace carried("openssh", "WF_SECRETS=API_KEY\n");
  carried.space.set("API_KEY=hush-hush-42");
  REQUIRE(carried.run({"exec", "--", "true"}).ok());
  // The connection stays open: it is there to be looked at.
  CHECK_FALSE(tasks::carrying("HOME=" + carried.space.home().string()).empty());
  for (const auto& process : tasks::carrying("API_KEY=hush-hush-42")) {
    CHECK(tasks::command_line(process.pid).find("ssh") == std::string::npos);
  }
  // Nor in what we say of it ourselves.
  const Captured failed = far.run({"exec", "--", "sh", "-c", "exit 3", "hush-hush-42"});
  CHECK(failed.status.code == 1);
  CHECK(contains(failed.err, "exit 3 ***"));
  CHECK_FALSE(contains(failed.err + failed.out, "hush"));
}

TEST_CASE("the state moves once, and an exec that moves nothing writes nothing") {
  const FarSpace far("local");
  REQUIRE(far.run({"exec", "--", "true"}).ok());
  const Json state = far.space.state();
  CHECK(text_at(state, "state") == "POD_READY");
  REQUIRE(far.run({"exec", "--", "true"}).ok());
  CHECK(far.space.state() == state);
}

TEST_CASE("what a command leaves in the background does not hold it") {
  const FarSpace far(GENERATE("local", "libssh2"));
  const auto file = far.space.dir() / "pid";
  const Captured done =
      far.run({"exec", "--cmd", "sleep 300 & echo $! >'" + file.string() + "'; echo started"});
  CHECK(done.out == "started\n");
  CHECK(done.ok());
  CHECK(process_lives(pid_in(file)));
}

TEST_CASE("Ctrl-C ends the command with the connection and says what would outlive it") {
  const FarSpace far(GENERATE("local", "libssh2", "openssh"));
  const auto file = far.space.dir() / "pid";
  const pid_t client =
      far.space.start({"exec", "--cmd", "echo $$ >'" + file.string() + "'; exec sleep 300"}, "out");
  const pid_t command = pid_in(file);
  ::kill(client, SIGINT);
  CHECK(exit_of(client) == 130);
  CHECK(eventually([&] { return !process_lives(command); }));
  CHECK(contains(far.space.read("out"), "was ended with the connection"));
  CHECK(contains(far.space.read("out"), "workflow task-run"));
}

TEST_CASE("a lost connection is exit 4, and the command is ended on the target") {
  const FarSpace far(GENERATE("libssh2", "openssh"));
  const auto file = far.space.dir() / "pid";
  // It shrugs off TERM: the grace and KILL are what ends it.
  const pid_t client =
      far.space.start({"exec", "--exit-code=remote", "--cmd",
                       "trap '' TERM; echo $$ >'" + file.string() + "'; while :; do sleep 1; done"},
                      "out");
  const pid_t command = pid_in(file);
  far.cut();
  CHECK(exit_of(client) == 4);
  CHECK(contains(far.space.read("out"), "outcome unknown"));
  CHECK(eventually([&] { return !process_lives(command); }));
}

TEST_CASE("a command line that says nothing or too much is refused before anything is done") {
  const FarSpace far("local");
  CHECK(far.run({"exec"}).status.code == 2);
  CHECK(far.run({"exec", "--cmd", "true", "--", "true"}).status.code == 2);
  CHECK(far.run({"exec", "--env", "NOVALUE", "--", "true"}).status.code == 2);
  CHECK(far.run({"exec", "--exit-code=mine", "--", "true"}).status.code == 2);
  CHECK_FALSE(fs::exists(far.space.outputs()));
}

}  // namespace workflow::test
