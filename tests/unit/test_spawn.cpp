#include "common/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/pipe.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/scratch.h"

using namespace workflow;
using workflow::test::Scratch;

namespace {

ExitStatus wait_for(pid_t pid) {
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return ExitStatus::from_wait(status);
}

Captured sh(const std::string& text) {
  CaptureSpec spec;
  spec.argv = {"sh", "-c", text};
  return capture(spec);
}

}  // namespace

TEST_CASE("how a program ended is told as it was") {
  for (const int code : {0, 1, 124, 255}) {
    const Captured done = sh("exit " + std::to_string(code));
    CHECK(done.status.code == code);
    CHECK_FALSE(done.status.signal);
  }
  const Captured killed = sh("kill -KILL $$");
  CHECK(killed.status.signal == SIGKILL);
  CHECK_FALSE(killed.status.code);
  CHECK(signal_name(SIGKILL) == "KILL");
  CHECK(signal_name(SIGTERM) == "TERM");
  CHECK(signal_name(63) == "63");
}

TEST_CASE("a program that cannot be started says which step failed") {
  const Scratch dir;
  real_files().write(dir.path() / "plain", "no program");
  const auto failure_of = [](std::vector<std::string> argv, fs::path workdir = {}) {
    SpawnSpec spec;
    spec.argv = std::move(argv);
    spec.workdir = std::move(workdir);
    const Spawned child = spawn(spec);
    REQUIRE(child.failure);
    return child.failure->step + ": " + errno_text(child.failure->error);
  };
  CHECK(failure_of({"no-such-program"}) == "find 'no-such-program': No such file or directory");
  CHECK(failure_of({"/no/such"}) == "execute '/no/such': No such file or directory");
  const std::string plain = (dir.path() / "plain").string();
  CHECK(failure_of({plain}) == "execute '" + plain + "': Permission denied");
  CHECK(failure_of({"true"}, "/no/such") ==
        "change directory to '/no/such': No such file or directory");
}

TEST_CASE("the program never runs when what must come first has failed") {
  const Scratch dir;
  const fs::path mark = dir.path() / "ran";
  SpawnSpec spec;
  spec.argv = {"touch", mark.string()};
  pid_t child = 0;
  spec.before_exec = [&](pid_t pid) {
    child = pid;
    CHECK_FALSE(fs::exists(mark));
    throw Error(Code::precondition, "the disk is full");
  };
  CHECK_THROWS_AS(spawn(spec), Error);
  REQUIRE(child > 0);
  // It is nobody's zombie either: it has ended and was waited for.
  CHECK(::kill(child, 0) != 0);
  CHECK_FALSE(fs::exists(mark));

  spec.before_exec = [&](pid_t pid) { child = pid; };
  const Spawned good = spawn(spec);
  CHECK(good.pid == child);
  CHECK(wait_for(good.pid).ok());
  CHECK(fs::exists(mark));
}

TEST_CASE("a program gets the three descriptors it was given and no other") {
  const Scratch dir;
  const int leak = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  REQUIRE(leak >= 0);
  const Captured done = sh("ls /proc/self/fd | wc -l; readlink /proc/self/fd/0");
  ::close(leak);
  // 0, 1, 2 and the one ls reads the directory with.
  CHECK(split(done.out, '\n')[0] == "4");
}

TEST_CASE("signals that we block or ignore reach the program") {
  sigset_t set;
  sigset_t old;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &set, &old);
  void (*before)(int) = ::signal(SIGPIPE, SIG_IGN);
  CHECK(sh("kill -TERM $$; echo alive").status.signal == SIGTERM);
  CHECK(sh("kill -PIPE $$; echo alive").status.signal == SIGPIPE);
  ::signal(SIGPIPE, before);
  ::sigprocmask(SIG_SETMASK, &old, nullptr);
}

TEST_CASE("of two entries of one variable the later counts") {
  ::setenv("WORKFLOW_TEST_VARIABLE", "ours", 1);
  const auto values = [](const std::vector<std::string>& set) {
    std::vector<std::string> found;
    for (const auto& entry : environment_with(set)) {
      if (entry.rfind("WORKFLOW_TEST_VARIABLE=", 0) == 0) found.push_back(entry.substr(23));
    }
    return found;
  };
  CHECK(values({}) == std::vector<std::string>{"ours"});
  CHECK(values({"WORKFLOW_TEST_VARIABLE=a"}) == std::vector<std::string>{"a"});
  CHECK(values({"WORKFLOW_TEST_VARIABLE=a", "WORKFLOW_TEST_VARIABLE="}) ==
        std::vector<std::string>{""});
  CHECK(values({"WORKFLOW_TEST_VARIABLE_2=a"}) == std::vector<std::string>{"ours"});
}

TEST_CASE("both streams are drained at once, and a limit ends what does not end") {
  const Captured both = sh("head -c 1048576 /dev/zero; head -c 1048576 /dev/zero >&2");
  CHECK(both.ok());
  CHECK(both.out.size() == 1'048'576);
  CHECK(both.err.size() == 1'048'576);
  CaptureSpec spec;
  spec.argv = {"cat"};
  spec.input = std::string(1'000'000, 'x');
  CHECK(capture(spec).out == spec.input);
  spec.argv = {"sleep", "1000"};
  spec.input.clear();
  spec.limit_ms = 100;
  CHECK(capture(spec).timed_out);
}

TEST_CASE("a pipe that somebody made non-blocking loses no byte") {
  Pipe pipe = make_pipe();
  ::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
  std::string got;
  std::thread reader([&] {
    while (read_some(pipe.read.get(), got) == ReadSome::bytes) {
    }
  });
  const std::string bytes(4U << 20U, 'x');
  CHECK(write_all(pipe.write.get(), bytes));
  pipe.write.reset();
  reader.join();
  CHECK(got == bytes);
}

#ifdef __linux__
TEST_CASE("a program that is to end with us does, also when we are killed") {
  Pipe pid_pipe = make_pipe();
  const pid_t between = ::fork();
  if (between == 0) {
    SpawnSpec spec;
    spec.argv = {"sleep", "600"};
    spec.new_session = true;
    spec.ends_with_us = true;
    const pid_t pid = spawn(spec).pid;
    [[maybe_unused]] const auto n = ::write(pid_pipe.write.get(), &pid, sizeof pid);
    ::kill(::getpid(), SIGKILL);
  }
  pid_t pid = -1;
  REQUIRE(::read(pid_pipe.read.get(), &pid, sizeof pid) == sizeof pid);
  ::waitpid(between, nullptr, 0);
  CHECK(test::eventually([&] {
    const std::string stat = "/proc/" + std::to_string(pid) + "/stat";
    const std::string text = fs::exists(stat) ? read_file(stat) : "";
    return text.empty() || text.find(") Z") != std::string::npos;
  }));
}
#endif
