// What a job survives: its client's death and Ctrl-C, two clients, a full workspace, lost targets.
#include "common/text.h"
#include "tests/support/jobs.h"
#include "tests/support/reach.h"

namespace workflow::test {
namespace {

const std::string until_go =
    "echo up; until [ -e go ]; do sleep 0.05; done; echo r > out; echo end";

}  // namespace

TEST_CASE("kill -9 of the client at any stage: the same call ends the same job once") {
  // Before it begins, while it deploys, bootstraps, runs; after its end, before its downloads.
  for (const char* stage : {"start", "deploying", "bootstrapping", "running", "ended"}) {
    INFO(stage);
    const Jobs jobs;
    const Workspace& space = jobs.space;
    const std::vector<std::string> words{
        "-q",          "job-run",
        "--id",        "j",
        "--bootstrap", "b=echo x >> booted; until [ -e boot ]; do sleep 0.05; done",
        "--download",  "out:./back",
        "--command",   "echo c >> ran; " + until_go};
    const std::string reached(stage);
    const pid_t client = space.start(words, "first");
    const auto phase = [&] {
      const auto bytes = real_files().read(space.task_dir("j") / "job.json");
      return bytes ? text_at(parse_json(*bytes, "job.json"), "phase") : std::string();
    };
    if (reached != "start") CHECK(eventually([&] { return !phase().empty(); }));
    if (reached == "bootstrapping") CHECK(appears(jobs.workspace() / "booted"));
    if (reached == "running" || reached == "ended") {
      space.write("home/.workflow/workspace/boot", "");
      CHECK(appears(jobs.workspace() / "ran"));
    }
    CHECK(kill_hard(client));
    (void)end_of(client);
    if (reached == "ended") {
      space.write("home/.workflow/workspace/go", "");
      CHECK(reaches(space, "j", "success"));
    }
    const pid_t again = space.start(words, "second");
    CHECK(appears(jobs.workspace() / "booted"));
    space.write("home/.workflow/workspace/boot", "");
    space.write("home/.workflow/workspace/go", "");
    CHECK(end_of(again)->code == 0);
    CHECK(contains(space.read("second"), "up\nend\n"));
    CHECK(read_file(space.dir() / "back") == "r\n");
    CHECK(read_file(jobs.workspace() / "ran") == "c\n");
    CHECK(read_file(jobs.workspace() / "booted") == "x\n");
    CHECK(text_at(space.data({"job-wait", "j"}), "state") == "success");
  }
}

TEST_CASE("Ctrl-C detaches and says what goes on; job-wait does the rest") {
  const Jobs jobs;
  const Workspace& space = jobs.space;
  const pid_t client = space.start(
      {"job-run", "--id", "j", "--download", "out:./back", "--command", until_go}, "first");
  CHECK(eventually([&] { return contains(space.read("first"), "up\n"); }));
  CHECK(::kill(client, SIGINT) == 0);
  CHECK(end_of(client)->code == 130);
  CHECK(contains(space.read("first"), "detached; job 'j' goes on"));
  CHECK(contains(space.read("first"), "workflow job-terminate j"));
  CHECK(recorded_state(space, "j") == "running");
  CHECK(space.run({"job-wait", "j", "--timeout-secs", "1"}).status.code == 124);
  space.write("home/.workflow/workspace/go", "");
  CHECK(space.run({"job-wait", "j"}).ok());
  CHECK(read_file(space.dir() / "back") == "r\n");
  CHECK(space.run({"job-logs", "j", "--new"}).out == "end\n");
}

TEST_CASE("with --on-interrupt=terminate a Ctrl-C ends the job, and what it made is fetched") {
  const Jobs jobs;
  const Workspace& space = jobs.space;
  const pid_t client =
      space.start({"job-run", "--id", "j", "--on-interrupt=terminate", "--download", "out:./back",
                   "--command", "echo part > out; echo up; sleep 300"},
                  "first");
  CHECK(eventually([&] { return contains(space.read("first"), "up\n"); }));
  CHECK(::kill(client, SIGINT) == 0);
  CHECK(end_of(client)->code == 130);
  CHECK(recorded_state(space, "j") == "cancelled");
  CHECK(read_file(space.dir() / "back") == "part\n");
}

TEST_CASE("a workspace belongs to the tree of the job that is at work there") {
  const Jobs jobs;
  const Workspace& space = jobs.space;
  CHECK(space.run({"job-start", "--id", "one", "--command", until_go}).ok());
  CHECK(space.run({"job-start", "--id", "same-tree", "--command", "true"}).ok());
  space.write("a.py", "print('other')\n");
  jobs.commit("second");
  const Json busy = space.json({"job-start", "--id", "two", "--command", "true"});
  CHECK(code_of(busy) == 5);
  CHECK(contains(message_of(busy), "job 'one' is at work"));
  CHECK(text_at(member(member(busy, "error"), "holder"), "job_id") == "one");
  CHECK_FALSE(fs::exists(space.task_dir("two")));
  CHECK(jobs.run({"--workspace", "~/second", "--command", "cat a.py"}).out == "print('other')\n");
  CHECK(jobs.run({"--no-push", "--command", "cat a.py"}).out == "print('hello from a')\n");
  space.write("home/.workflow/workspace/go", "");
  CHECK(space.run({"job-wait", "one"}).ok());
  CHECK(jobs.run({"--command", "cat a.py"}).out == "print('other')\n");
}

TEST_CASE("downloads are tried after a failure and a time-out, and one that is missing is told") {
  const Jobs jobs;
  const Workspace& space = jobs.space;
  CHECK(jobs.run({"--id", "f", "--download", "out:./f", "--command", "echo r > out; exit 3"})
            .status.code == 1);
  CHECK(read_file(space.dir() / "f") == "r\n");
  CHECK(jobs.run({"--id", "t", "--timeout", "1", "--download", "out:./t", "--command",
                  "echo r > out; sleep 60"})
            .status.code == 1);
  CHECK(read_file(space.dir() / "t") == "r\n");
  const Json missing = space.json({"job-run", "--id", "m", "--download", "nothing:./m",
                                   "--download", "out:./m2", "--command", "echo r > out"});
  CHECK(code_of(missing) == 6);
  const Json& data = member(missing, "data");
  CHECK(text_at(data, "state") == "success");
  CHECK_FALSE(flag_at(member(data, "downloads").at(0), "done"));
  CHECK_FALSE(text_at(member(data, "downloads").at(0), "error").empty());
  CHECK(flag_at(member(data, "downloads").at(1), "done"));
  // What is missing is tried again by the next call, and what is done is not.
  space.write("home/.workflow/workspace/nothing", "late\n");
  fs::remove(space.dir() / "m2");
  CHECK(space.run({"job-download", "m"}).ok());
  CHECK(read_file(space.dir() / "m") == "late\n");
  CHECK_FALSE(fs::exists(space.dir() / "m2"));
}

TEST_CASE("job-list: a target that does not answer leaves its jobs unknown, not failed") {
  Reach reach;
  const Sshd sshd;
  reach.host("pod", sshd);
  const Workspace& space = reach.space;
  const std::string there = (space.dir() / "there ws").string();
  const Captured started =
      space.run({"job-start", "--id", "far", "--ssh", "pod", "--no-push", "--workspace", there,
                 "--download", "out:./back", "--command", until_go});
  INFO(started.err);
  CHECK(started.ok());
  CHECK(space.run({"job-start", "--id", "near", "--no-push", "--command", "true"}).ok());
  CHECK(space.run({"job-wait", "near"}).ok());
  // Both targets have the same outputs here, so that each lists both jobs.
  const auto job = [&](const std::string& id, const std::string& target) {
    for (const auto& one : member(space.data({"job-list"}), "jobs")) {
      if (text_at(one, "job_id") == id && text_at(one, "target") == target) return one;
    }
    return Json();
  };
  CHECK(text_at(job("far", "ssh:pod"), "state") == "running");
  CHECK(text_at(job("near", "local"), "state") == "success");

  // The same name leads nowhere now.
  const Listener silent;
  space.write("ssh_config", "");
  reach.at("pod", silent.port());
  reach.end_masters();
  const Captured text = space.run({"job-list"});
  CHECK(text.ok());
  CHECK(contains(text.out, "unknown"));
  CHECK(contains(text.out, "last known"));
  const Json far = job("far", "ssh:pod");
  CHECK(text_at(far, "state") == "unknown");
  CHECK(text_at(member(far, "last_known"), "state") == "running");
  CHECK(text_at(job("near", "local"), "state") == "success");

  space.write("ssh_config", "");
  reach.host("pod", sshd);
  space.write("there ws/go", "");
  CHECK(space.run({"job-wait", "far"}).ok());
  CHECK(read_file(space.dir() / "back") == "r\n");
}

TEST_CASE("faults of a job's flags are told at once, and nothing is done") {
  const Jobs jobs;
  const Captured many =
      jobs.run({"--ssh", "a", "--node", "b", "--env", "=x", "--id", "a/b", "--workspace", "../x",
                "--bootstrap", "x=", "--bootstrap", "x=1"});
  CHECK(many.status.code == 2);
  for (const char* part :
       {"more than one machine is named", "is not PROVIDER:ID", "what to run is missing",
        "is not K=V", "job id 'a/b'", "leads out of the workspace", "has no command",
        "two bootstrap steps are called 'x'"}) {
    INFO(part);
    CHECK(contains(many.err, part));
  }
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--download", "nothing", "--command", "true"},
           {"--on-interrupt", "x", "--command", "true"},
           {"--give-back", "x", "--command", "true"},
           {"--id", "", "--command", "true"},
           {"--no-push", "--bootstrap-inputs", "*", "--command", "true"},
           {"--command", "true", "--", "true"}}) {
    CHECK(jobs.run(words).status.code == 2);
  }
  CHECK(jobs.space.run({"--target", "local", "job-wait", "x", "--ssh", "y"}).status.code == 2);
  CHECK(jobs.space.run({"job-wait", "nobody"}).status.code == 6);
  CHECK(jobs.space.run({"task-run", "--wait", "--id", "t", "--cmd", "true"}).ok());
  CHECK(jobs.space.run({"job-wait", "t"}).status.code == 6);
  CHECK(jobs.space.run({"job-download", "t"}).status.code == 6);
  CHECK(jobs.run({"--workspace", "", "--command", "true"}).status.code == 2);
  CHECK_FALSE(fs::exists(jobs.workspace()));
}

TEST_CASE("what a record can be asked is told; one that is damaged keeps nobody from his jobs") {
  Jobs jobs;
  Workspace& space = jobs.space;
  CHECK(jobs.run({"--id", "j", "--no-push", "--command", "echo 1"}).ok());
  CHECK(space.run({"job-download", "j"}).status.code == 2);
  space.set("WF_TARGET=");
  CHECK(space.run({"job-wait", "j"}).ok());  // the record knows where it is
  CHECK(space.run({"job-wait", "other"}).status.code == 6);
  CHECK(contains(space.run({"job-wait", "other"}).err, "nothing is known here of a job 'other'"));
  CHECK(jobs.run({"--command", "true"}).status.code == 2);
  CHECK(space
            .run({"--target", "local", "job-start", "--id", "open", "--no-push", "--command",
                  "sleep 300"})
            .ok());
  const Captured elsewhere = jobs.run({"--id", "open", "--ssh", "nowhere", "--command", "true"});
  CHECK(elsewhere.status.code == 8);
  CHECK(contains(elsewhere.err, "job 'open' is known already, on local"));

  const fs::path ledger = space.home() / ".local/state/workflow/ledger.db";
  for (const bool directory : {false, true}) {
    fs::remove_all(ledger);
    if (directory) {
      fs::create_directories(ledger);
    } else {
      put(ledger, std::string(4096, 'x'));
    }
    CHECK(space.run({"job-list"}).status.code == 7);
    const Captured there = space.run({"--target", "local", "job-logs", "j"});
    CHECK(there.out == "1\n");
    CHECK(contains(there.err, "not recorded here"));
    CHECK(jobs.run({"--provision", "type=cpu", "--provider", "loopback", "--command", "true"})
              .status.code == 7);
  }
  CHECK(space.run({"--target", "local", "job-terminate", "open"}).ok());
}

}  // namespace workflow::test
