// What no other test asks for: each refusal that a person can meet, with its exit code and words.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/far_space.h"
#include "tests/support/provoked.h"
#include "tests/support/sweeps.h"
#include "tests/support/terminal.h"

namespace workflow::test {
namespace {

struct Refused {
  std::vector<std::string> words;
  int code;
  std::string says;
};

void check(const Workspace& space, const Refused& row) {
  const Captured done = space.run(row.words);
  INFO(join(row.words, " ") << "\n" << done.out << done.err);
  CHECK(done.status.code == row.code);
  CHECK(done.err.find(row.says) != std::string::npos);
}

/// A command of ours behind a few words of shell.
Captured under(const Workspace& space, const std::string& shell,
               const std::vector<std::string>& words) {
  CaptureSpec spec;
  spec.argv = {"/bin/bash", "-c", shell + "; exec \"$@\"", "bash", workflow_program()};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  spec.env = space.environment();
  spec.workdir = space.dir();
  return provoked(spec);
}

}  // namespace

TEST_CASE("a command line that cannot be meant is 2 and says what is wrong") {
  const Workspace space;
  for (const Refused& row : std::vector<Refused>{
           {{"task-status", "--id", "a", "b"}, 2, "two ids: 'a' and 'b'"},
           {{"cp", "", ":x"}, 2, "an empty path names nothing"},
           {{"completion", "tcsh"}, 2, "no completion for the shell 'tcsh'"},
           {{"-n", "task-cancel", "x"}, 2, "'task-cancel' has no dry run"},
           {{"--target", "gpu7", "fsm-status"}, 2, "did you mean ssh:gpu7?"},
           {{"--target", "ssh:-oProxyCommand=x", "fsm-status"}, 2, "is no ssh destination"},
           {{"--target", "ssh:a b", "fsm-status"}, 2, "ssh does not understand"},
           {{"cp", "nosuch", ":x"}, 6, "cannot copy 'nosuch'"},
           {{"sweep-status"}, 6, "no sweep was started here"}}) {
    check(space, row);
  }
}

TEST_CASE("a configuration that cannot be read is named") {
  const Workspace space;
  space.write("big.env", std::string(1'100'000, '#'));
  fs::create_symlink("loop.env", space.dir() / "loop.env");
  check(space, {{"--config", "big.env", "config"}, 2, "'big.env' is larger than 1 MiB"});
  check(space, {{"--config", "loop.env", "config"}, 2, "loop.env'"});
  check(space, {{"--config", "/proc/self/mem", "config"}, 2, "cannot read '/proc/self/mem'"});
}

TEST_CASE("secrets that are missing or do not fit start nothing") {
  Workspace space("WF_SECRETS=TOKEN\n");
  check(space, {{"task-run", "--id", "x", "--", "true"}, 2, "'TOKEN', which is not set"});
  space.set("TOKEN=" + std::string(100'000, 'x'));
  check(space, {{"task-run", "--id", "y", "--", "true"}, 2, "longer than 60 KiB"});
  CHECK_FALSE(fs::exists(space.task_dir("x")));
}

TEST_CASE("a machine that lacks what a command needs is told so") {
  const Workspace space;
  fs::create_directories(space.dir() / "empty");
  const std::string no_path = "PATH=" + (space.dir() / "empty").string();
  const Captured no_ssh = under(space, no_path, {"--target", "ssh:gpu7", "fsm-status"});
  CHECK(no_ssh.status.code == 7);
  CHECK(no_ssh.err.find("there is no ssh on this machine") != std::string::npos);
  const Captured no_files = under(space, "ulimit -n 4", {"fsm-status"});
  CHECK(no_files.status.code == 7);
  CHECK(no_files.err.find("cannot make a pipe: Too many open files") != std::string::npos);
  const Captured no_program = space.run({"ssh", "--", "/nonexistent/program"});
  CHECK(no_program.status.code == 7);
  CHECK(no_program.err.find("cannot run '/nonexistent/program'") != std::string::npos);
}

TEST_CASE("something else in the place of a directory or a lock is named") {
  Workspace space;
  (void)space.data({"pod-up"});
  fs::remove(space.outputs() / "_control/lock");
  fs::create_directory(space.outputs() / "_control/lock");
  check(space, {{"task-run", "--", "true"}, 7, "cannot open the lock '"});
  fs::remove(space.outputs() / "_control/lock");
  space.write(".workflow/outputs/_tasks", "");
  check(space, {{"task-list"}, 7, "cannot list '"});
  fs::remove(space.outputs() / "_tasks");
  fs::remove_all(space.home() / ".workflow");
  space.write("home/.workflow", "");
  check(space, {{"task-run", "--", "true"}, 7, "cannot make directory '"});
}

TEST_CASE("a tmux session whose name no shell would take as it is is not handed to one") {
  const FarSpace far("openssh", "WF_TMUX_SESSION=\"it's\"\n");
  CHECK(far.run({"task-run", "--wait", "--id", "x", "--", "true"}).status.code == 0);
  const Captured done = far.run({"attach", "x"});
  INFO(done.err);
  CHECK(done.status.code == 2);
  CHECK(done.err.find("cannot be part of a command for the target") != std::string::npos);
}

TEST_CASE("runs that outlived their sweep are not started beside themselves") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a", .command = until_released}});
  (void)sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  const Shown no = show_on_terminal(sweeps.space, {"sweep-stop"}, 80, {"[y/N] ", "n\n"});
  CHECK(no.status.code == 9);
  CHECK(no.bytes.find("nothing was done") != std::string::npos);
  (void)sweeps.space.data({"--yes", "fsm-reset", "CHECKED_OUT"});
  const Json old = sweeps.space.state();
  const std::string campaign = text_at(old, "campaign");
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task("sweep-" + campaign)));
  Json state = sweeps.space.state();
  state["campaign"] = nullptr;
  state["claims"].erase("sweep");
  sweeps.space.write(".workflow/outputs/_control/workflow_state.json", pretty_json(state));
  check(sweeps.space, {{"sweep-start"}, 5, "busy: runs of an earlier campaign are still going: a"});
  fs::remove_all(sweeps.campaign_dir(campaign));
  check(sweeps.space, {{"sweep-start"}, 5, "run 'a' of campaign " + campaign + " is still going"});
  sweeps.manifest({{.run_id = "a", .command = "true"}});
  check(sweeps.space, {{"sweep-start"}, 5, "run 'a' is going with other values"});
  CHECK(sweeps.starts() == 1);
  sweeps.release();
}

TEST_CASE("a step that cannot go on says what to set") {
  Workspace space;
  space.make_repo({{"a.txt", "a"}});
  for (const char* command : {"pod-up", "bootstrap"}) (void)space.data({command});
  const auto with = [&](const std::vector<std::string>& entries, const Refused& row) {
    std::vector<std::string> words = {"env"};
    words.insert(words.end(), entries.begin(), entries.end());
    CaptureSpec spec;
    spec.argv = words;
    spec.argv.push_back(workflow_program());
    spec.argv.insert(spec.argv.end(), row.words.begin(), row.words.end());
    spec.env = space.environment();
    spec.workdir = space.dir();
    const Captured done = provoked(spec);
    INFO(join(words, " ") << "\n" << done.err);
    CHECK(done.status.code == row.code);
    CHECK(done.err.find(row.says) != std::string::npos);
  };
  with({"SWEEP_WANDB=1", "WANDB_SETUP_SCRIPT=nosuch.sh"}, {{"bootstrap"}, 7, "is not there"});
  with({"DATA_REQUIRED_GLOB=*.bin"}, {{"checkout"}, 2, "DATA_DIR is not"});
  const std::string data = "DATA_DIR=" + (space.dir() / "data").string();
  with({"DATA_REQUIRED_GLOB=*.bin", data}, {{"checkout"}, 7, "no '*.bin' in '"});
  with({"DATA_REQUIRED_GLOB=*.bin", data, "DATA_DOWNLOAD_CMD=true"},
       {{"checkout"}, 7, "ended well, but there is no '*.bin'"});
  CaptureSpec empty;
  empty.argv = {"git", "init", "-q", "--bare", (space.dir() / "empty.git").string()};
  REQUIRE(capture(empty).ok());
  with({"REPO_URL=" + (space.dir() / "empty.git").string()},
       {{"checkout"}, 6, "has no default branch"});
  with({"REQUIRE_GPU_TORCH=1"}, {{"checkout"}, 7, "has no torch that works on a GPU"});
  (void)space.data({"checkout"});
  space.write(".workflow/repo/.git/index", "no index");
  with({}, {{"checkout"}, 1, "git fails in '"});
}

}  // namespace workflow::test
