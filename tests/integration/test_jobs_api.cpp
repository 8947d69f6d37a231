// The public C++ API: the examples as programs, and what a program may rely on.
#include <workflow/remote_job.h>

#include <cstdlib>
#include <thread>

#include "common/text.h"
#include "tests/support/jobs.h"

namespace workflow::test {
namespace {

/// This process as a user's program in a workspace.
struct Program {
  Jobs jobs;
  std::vector<std::string> remarks{};

  Program() {
    ::setenv("HOME", jobs.space.home().c_str(), 1);
    ::setenv("XDG_STATE_HOME", (jobs.space.home() / "state").c_str(), 1);
    ::setenv("XDG_CACHE_HOME", (jobs.space.home() / "cache").c_str(), 1);
  }
  [[nodiscard]] RemoteJob job(const std::string& id, const std::string& command) {
    RemoteJob job;
    job.target = "local";
    job.id = id;
    job.command = command;
    job.config = (jobs.space.dir() / "workflow.env").string();
    job.on_remark = [this](std::string_view text) { remarks.emplace_back(text); };
    return job;
  }
  void go() const { jobs.space.write("home/.workflow/workspace/go", ""); }
};

Captured example(const Workspace& space, std::vector<std::string> words) {
  words.front() = std::string(WORKFLOW_EXAMPLES_DIR "/example-") + words.front();
  CaptureSpec spec;
  spec.argv = std::move(words);
  spec.env = space.environment();
  spec.workdir = space.dir();
  return capture(spec);
}

int code_of_fault(const std::function<void()>& work) {
  try {
    work();
  } catch (const JobError& fault) {
    return fault.exit_code();
  }
  return 0;
}

const std::string until_go = "echo up; until [ -e go ]; do sleep 0.05; done; echo end; exit 3";

}  // namespace

TEST_CASE("the examples run: a scoped job with its results, a detached one, and back to it") {
  const Jobs jobs;
  const Captured trained =
      example(jobs.space, {"train", "local", "python3 a.py; mkdir r; echo 1 > r/loss", "r", "got"});
  INFO(trained.err);
  CHECK(trained.out == "hello from a\n");
  CHECK(trained.ok());
  CHECK(read_file(jobs.space.dir() / "got/loss") == "1\n");
  CHECK(example(jobs.space, {"train", "local", "exit 5", "nothing", "got"}).status.code == 6);
  CHECK(example(jobs.space, {"train", "nowhere", "exit 5", "nothing", "got"}).status.code == 2);

  const Captured started = example(jobs.space, {"detached", "start", "local", until_go});
  CHECK(started.ok());
  const std::string id(trim(started.out));
  CHECK(recorded_state(jobs.space, id) == "running");
  jobs.space.write("home/.workflow/workspace/go", "");
  CHECK(example(jobs.space, {"detached", "wait", id, "local"}).status.code == 3);
}

TEST_CASE(
    "logs are lines while they come: split UTF-8, no newline at the end, bytes that are none") {
  Program program;
  const RemoteJob job = program.job(
      "lines",
      "printf 'one\\n\\ntw'; sleep 0.2; printf 'o \\xc3'; sleep 0.2; printf '\\xbc\\n'; "
      "printf 'bad \\xff\\n'; printf 'no newline'");
  JobHandle handle = job.start();
  std::vector<std::string> lines;
  for (const auto& line : handle.logs()) lines.push_back(line);
  CHECK(lines ==
        std::vector<std::string>{"one", "", "two \xc3\xbc", "bad \xef\xbf\xbd", "no newline"});
  CHECK(handle.wait() == 0);
  CHECK(handle.state() == "success");
  std::string bytes;
  handle.logs([&](std::string_view piece) {
    bytes += piece;
    return true;
  });
  CHECK(bytes == "one\n\ntwo \xc3\xbc\nbad \xff\nno newline");
}

TEST_CASE("leaving the log in the middle leaves the job alone; wait has a limit and a code") {
  Program program;
  JobHandle handle = program.job("middle", until_go).start();
  for (const auto& line : handle.logs()) {
    CHECK(line == "up");
    break;
  }
  CHECK(code_of_fault([&] { (void)handle.wait(std::chrono::seconds(1)); }) == 124);
  CHECK(recorded_state(program.jobs.space, "middle") == "running");
  CHECK(handle.session_name() == "wf");
  CHECK(contains(handle.log_file(), "_tasks/middle/stdout.log"));
  CHECK_FALSE(handle.rented_pod().has_value());
  CHECK(handle.cost() == 0);
  program.go();
  CHECK(handle.wait() == 3);
  JobHandle again = JobHandle::attach("middle", "", program.job("", "").config);
  CHECK(again.wait() == 3);
  CHECK(again.target() == "local");
}

TEST_CASE("a context ends its job when it goes, also by an exception; a released one does not") {
  Program program;
  const Workspace& space = program.jobs.space;
  try {
    const JobContext context = program.job("scoped", until_go).run();
    CHECK(reaches(space, "scoped", "running"));
    throw std::runtime_error("the user's own");
  } catch (const std::runtime_error&) {
  }
  CHECK(recorded_state(space, "scoped") == "cancelled");

  JobHandle kept = [&] {
    JobContext context = program.job("kept", until_go).run();
    return context.release();
  }();
  CHECK(recorded_state(space, "kept") == "running");
  kept.terminate();
  CHECK(recorded_state(space, "kept") == "cancelled");

  RemoteJob alive = program.job("alive", until_go);
  alive.keep_alive = true;
  { const JobContext context = alive.run(); }
  CHECK(recorded_state(space, "alive") == "running");
  JobHandle::attach("alive", "local", alive.config).terminate();
  CHECK(program.remarks.empty());
}

TEST_CASE("a context that cannot clean up says so and does not throw") {
  Program program;
  const Workspace& space = program.jobs.space;
  {
    const JobContext context = program.job("gone", until_go).run();
    // What is known of the job is taken away below its feet.
    fs::rename(space.task_dir("gone"), space.dir() / "aside");
  }
  REQUIRE_FALSE(program.remarks.empty());
  CHECK(contains(program.remarks.back(), "job 'gone' was not cleaned up"));
  fs::rename(space.dir() / "aside", space.task_dir("gone"));
  JobHandle::attach("gone", "local", program.job("", "").config).terminate();
}

TEST_CASE("faults of a spec are JobError(2), of what is not there JobError(6)") {
  Program program;
  RemoteJob two = program.job("two", "true");
  two.ssh = "somewhere";
  CHECK(code_of_fault([&] { (void)two.start(); }) == 2);
  RemoteJob none = program.job("none", "true");
  none.target.reset();
  CHECK(code_of_fault([&] { (void)none.start(); }) == 2);
  RemoteJob cuda = program.job("cuda", "true");
  cuda.target.reset();
  cuda.provision = GpuQuery{.min_cuda = "new"};
  CHECK(code_of_fault([&] { (void)cuda.start(); }) == 2);
  CHECK(code_of_fault([&] { (void)JobHandle::attach("nobody", "local", none.config); }) == 6);
  JobHandle handle = program.job("ok", "echo r > out").start();
  CHECK(handle.wait() == 0);
  CHECK(code_of_fault([&] { handle.download("missing", "x"); }) == 6);
  CHECK(code_of_fault([&] { handle.download("../x", "x"); }) == 2);
  handle.download("./out", (program.jobs.space.dir() / "here").string());
  CHECK(read_file(program.jobs.space.dir() / "here") == "r\n");
}

}  // namespace workflow::test
