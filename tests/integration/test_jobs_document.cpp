// What the document "Remote Job API" asks for by name: its six bug fixes and four open questions.
#include "common/remote_path.h"
#include "common/text.h"
#include "remote/pods/rent.h"
#include "tests/support/eventually.h"
#include "tests/support/jobs.h"
#include "tests/support/pane.h"

namespace workflow::test {
namespace {

std::vector<std::string> tmux(const Workspace& space, std::vector<std::string> words) {
  words.insert(words.begin(), {"tmux", "-L", space.tmux_socket()});
  return words;
}

Captured ask_tmux(const Workspace& space, std::vector<std::string> words) {
  CaptureSpec spec;
  spec.argv = tmux(space, std::move(words));
  spec.env = space.environment();
  return capture(spec);
}

}  // namespace

TEST_CASE("bug fix 1, path normalization: ./results and results are one download") {
  const Jobs jobs;
  for (const char* spelling : {"results", "./results", ".//results/", "x/../results"}) {
    INFO(spelling);
    fs::remove_all(jobs.space.dir() / "got");
    const Captured done = jobs.run({"--download", std::string(spelling) + ":got/", "--command",
                                    "mkdir -p results && echo 7 > results/loss"});
    INFO(done.err);
    CHECK(done.ok());
    const bool inside = std::string(spelling).ends_with('/');
    const fs::path got = jobs.space.dir() / "got" / (inside ? "" : "results") / "loss";
    if (!inside) CHECK(read_file(got) == "7\n");
  }
  CHECK(remote_path("./results", "x") == "results");
  CHECK(remote_path("a//b/./c/../d/", "x") == "a/b/d");
  CHECK(remote_path("~/./x/", "x") == "~/x");
  CHECK(remote_path("/a/../../b", "x") == "/b");
  CHECK(remote_path("./", "x") == ".");
  CHECK_THROWS_WITH(remote_path(std::string("a\0b", 3), "x"), "x holds a NUL byte");
  for (const char* away : {"../x", "a/../../x", "~/..", ".."}) {
    const Captured refused =
        jobs.run({"--download", std::string(away) + ":got", "--command", "touch began"});
    CHECK(refused.status.code == 2);
    CHECK(contains(refused.err, "leads out of"));
  }
  CHECK_FALSE(fs::exists(jobs.workspace() / "began"));
}

TEST_CASE("bug fix 2, SSH timeout: one limit of 600 s from the renting to the first answer") {
  CHECK(pods::RentWish{}.ready_limit_ms == 600'000);
  const Jobs jobs;
  CHECK(text_at(member(member(jobs.space.data({"config", "--all"}), "values"), "POD_WAIT_MAX_SECS"),
                "value") == "600");
}

TEST_CASE("bug fix 3, CUDA version: 12.0 unless asked otherwise, compared as numbers") {
  CHECK(pods::GpuQuery{}.min_cuda == pods::CudaVersion{12, 0});
  CHECK(pods::CudaVersion{12, 10} > pods::CudaVersion{12, 4});
}

TEST_CASE("bug fix 4, workspace expansion: ~ is the home of the target, whoever asks") {
  const Jobs jobs;
  const Captured done = jobs.run({"--workspace", "~/else where", "--command", "pwd; cat a.py"});
  CHECK(done.out == (jobs.space.home() / "else where").string() + "\nprint('hello from a')\n");
  const Captured sub = jobs.run({"--working-dir", "./sub", "--command", "pwd; cat uv.lock"});
  CHECK(sub.out == (jobs.workspace() / "sub").string() + "\none\n");
  CHECK(jobs.run({"--working-dir", "/etc", "--command", "true"}).status.code == 2);
  CHECK(jobs.run({"--working-dir", "~/x", "--command", "true"}).status.code == 2);
  CHECK(jobs.run({"--workspace", "~", "--command", "true"}).status.code == 9);
  const Captured none = jobs.run({"--id", "none", "--working-dir", "nowhere", "--command", "true"});
  CHECK(none.status.code == 1);
  CHECK(contains(none.err, "cannot work in"));
}

TEST_CASE("bug fix 5, tmux cleanup: a job of a name takes none of another's windows or processes") {
  const Jobs jobs;
  const Workspace& space = jobs.space;
  for (const char* id : {"train", "train-2"}) {
    CHECK(space
              .run({"job-start", "--id", id, "--no-push", "--workspace", std::string("~/") + id,
                    "--command", "echo up; sleep 300"})
              .ok());
  }
  CHECK(reaches(space, "train", "running"));
  CHECK(reaches(space, "train-2", "running"));
  const pid_t other = leader_of(space, "train-2");
  CHECK(space.run({"job-terminate", "train"}).ok());
  CHECK(recorded_state(space, "train") == "cancelled");
  CHECK(process_lives(other));
  CHECK(contains(ask_tmux(space, {"list-windows", "-a", "-F", "#{window_name}"}).out,
                 "task-train-2"));
  // What tmux still shows under that name does not stand in the way of the next one.
  CHECK(space
            .run({"job-start", "--id", "train", "--no-push", "--workspace", "~/train", "--command",
                  "echo other"})
            .status.code == 8);
  CHECK(space
            .run({"job-run", "--id", "train", "--force", "--no-push", "--workspace", "~/train",
                  "--command", "echo other"})
            .out == "other\n");
  CHECK(process_lives(other));
  // Another command under the id of one that runs: refused, and with --force that one ends.
  CHECK(jobs.run({"--id", "train-2", "--no-push", "--command", "true"}).status.code == 8);
  CHECK(process_lives(other));
  CHECK(jobs.run({"--id", "train-2", "--force", "--no-push", "--command", "true"}).ok());
  CHECK_FALSE(process_lives(other));
}

TEST_CASE("bug fix 6, HF cache: downloads outlive a job where there is a place for them") {
  const Jobs jobs;
  const fs::path volume = jobs.space.dir() / "volume";
  const std::string show =
      "echo $HF_HOME $HF_HUB_CACHE $HF_DATASETS_CACHE $UV_CACHE_DIR $PIP_CACHE_DIR $TORCH_HOME";
  const std::string at = (volume / ".cache").string();
  CHECK(jobs.run({"--cache-dir", volume.string(), "--command", show}).out ==
        at + "/huggingface " + at + "/huggingface/hub " + at + "/huggingface/datasets " + at +
            "/uv " + at + "/pip " + at + "/torch\n");
  CHECK(fs::is_directory(volume / ".cache/huggingface/hub"));
  CHECK(jobs.run({"--cache-dir", volume.string(), "--env", "HF_HOME=/mine", "--env",
                  "TORCH_HOME=/t", "--command", "echo $HF_HOME $TORCH_HOME $PIP_CACHE_DIR"})
            .out == "/mine /t " + at + "/pip\n");
  CHECK(jobs.run({"--command", show}).out == "\n");
  jobs.space.write("file", "x");
  const Captured full =
      jobs.run({"--cache-dir", (jobs.space.dir() / "file").string(), "--command", "touch began"});
  CHECK(full.status.code == 7);
  CHECK(contains(full.err, "downloads cannot be kept"));
  CHECK_FALSE(fs::exists(jobs.workspace() / "began"));
}

TEST_CASE(
    "open question 2, multi-step bootstraps: named steps, their logs, skipped when unchanged") {
  const Jobs jobs;
  const std::vector<std::string> steps{"--bootstrap", "deps=echo 1 >> ran; echo installing",
                                       "--bootstrap", "echo 2 >> ran; cat a.py"};
  const auto go = [&](const std::string& id, const std::vector<std::string>& more) {
    std::vector<std::string> words{"--id", id, "--command", "cat ran"};
    words.insert(words.end(), steps.begin(), steps.end());
    words.insert(words.end(), more.begin(), more.end());
    return jobs.run(words);
  };
  const Captured first = go("one", {});
  CHECK(first.out == "1\n2\n");  // nothing of what the steps say
  CHECK(contains(first.err, "bootstrap 1/2 deps: echo 1"));
  CHECK(contains(first.err, "installing\nbootstrap 1/2 deps: done"));
  CHECK(read_file(jobs.space.task_dir("one") / "bootstrap-1-deps.log") == "installing\n");
  CHECK(read_file(jobs.space.task_dir("one") / "bootstrap-2-step-2.log") ==
        "print('hello from a')\n");
  CHECK(number_at(jobs.step("one", 0), "exit_code", -1) == 0);
  CHECK(member(jobs.step("one", 0), "duration_secs").is_number());

  CHECK(go("same", {}).out == "1\n2\n");
  CHECK(text_at(jobs.step("same", 1), "state") == "skipped");
  jobs.space.write("a.py", "print(2)\n");
  jobs.commit("second");
  CHECK(go("changed", {}).out == "1\n2\n1\n2\n");
  // Only what a pattern names counts as the steps' input.
  CHECK(go("lock", {"--bootstrap-inputs", "*.lock"}).out == "1\n2\n1\n2\n1\n2\n");
  jobs.space.write("a.py", "print(3)\n");
  jobs.commit("third");
  CHECK(go("lock-2", {"--bootstrap-inputs", "*.lock"}).out == "1\n2\n1\n2\n1\n2\n");
  const Captured none = go("lock-3", {"--bootstrap-inputs", "*.toml"});
  CHECK(none.status.code == 1);
  CHECK(contains(none.err, "matches no file"));
}

TEST_CASE("open question 2: a step that fails ends the job, and the next one runs it again") {
  const Jobs jobs;
  const std::vector<std::string> words{
      "--bootstrap", "a=echo a >> ran",
      "--bootstrap", "b=echo oh no >&2; test -e repaired || exit 5",
      "--bootstrap", "c=echo c >> ran",
      "--command",   "cat ran"};
  const auto with_id = [&](const std::string& id) {
    std::vector<std::string> all{"--id", id};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  };
  const Captured failed = jobs.run(with_id("one"));
  CHECK(failed.status.code == 1);
  CHECK(failed.out.empty());
  CHECK(contains(failed.err, "bootstrap 'b' failed: exit 5\n"));
  CHECK(contains(failed.err, "oh no"));
  const Json task = jobs.space.task("one");
  CHECK(text_at(task, "state") == "failed");
  CHECK(number_at(task, "exit_code") == 5);
  CHECK(contains(text_at(task, "reason"), "bootstrap 'b' failed: exit 5"));
  CHECK(text_at(jobs.step("one", 2), "state") == "pending");
  jobs.space.write("home/.workflow/workspace/repaired", "");
  CHECK(jobs.run(with_id("two")).out == "a\nc\n");
  CHECK(text_at(jobs.step("two", 0), "state") == "skipped");
  CHECK(text_at(jobs.step("two", 1), "state") == "success");
  CHECK(text_at(jobs.step("two", 2), "state") == "success");
}

TEST_CASE("open question 3, the tmux session is shown, and attach leads there") {
  const Jobs jobs;
  const Json data =
      jobs.space.data({"job-start", "--id", "long", "--command", "echo up; sleep 300"});
  CHECK(text_at(data, "tmux_session") == "wf");
  CHECK(contains(text_at(data, "attach"), "attach -t =wf"));
  CHECK(contains(text_at(data, "log"), "_tasks/long/stdout.log"));
  const Captured way = jobs.space.run({"attach", "long"});
  CHECK(contains(way.out, "select-window"));
  CHECK(eventually([&] {
    return contains(ask_tmux(jobs.space, {"capture-pane", "-p", "-t", "=wf:task-long"}).out, "up");
  }));
}

TEST_CASE("open question 4, resumption: the same call comes back to its job, from any place") {
  Jobs jobs;
  const Workspace& space = jobs.space;
  const std::vector<std::string> words{
      "-q",          "job-run",
      "--id",        "long",
      "--bootstrap", "x=true",
      "--download",  "out:./back",
      "--command",   "echo up; until [ -e go ]; do sleep 0.05; done; echo r > out; echo end"};
  const pid_t client = space.start(words, "first");
  CHECK(eventually([&] { return space.read("first") == "up\n"; }));
  CHECK(kill_hard(client));
  (void)end_of(client);
  CHECK(recorded_state(space, "long") == "running");
  jobs.space.write("a.py", "print('edited meanwhile')\n");
  const pid_t again = space.start(words, "second");
  CHECK(eventually([&] { return space.read("second") == "up\n"; }));
  space.write("home/.workflow/workspace/go", "");
  CHECK(end_of(again)->code == 0);
  CHECK(space.read("second") == "up\nend\n");
  CHECK(read_file(space.dir() / "back") == "r\n");
  // Another home has no record of it: the id and the target are enough.
  const Json known = space.data({"job-wait", "long", "--target", "local"});
  CHECK(text_at(known, "state") == "success");
  jobs.space.set("XDG_STATE_HOME=" + (space.dir() / "elsewhere").string());
  CHECK(space.run({"job-logs", "long", "--target", "local"}).out == "up\nend\n");
  CHECK(space.run({"job-logs", "long", "--offset", "3"}).out == "end\n");
  CHECK(space.run({"job-download", "long", "--target", "local", "--download", "out:twice"}).ok());
  CHECK(read_file(space.dir() / "twice") == "r\n");
}

}  // namespace workflow::test
