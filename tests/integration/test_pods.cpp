// Renting from loopback, as a user does it: from INIT through a pod's work to POD_TERMINATED.
#include <signal.h>

#include <catch2/catch.hpp>

#include "common/text.h"
#include "tasks/process.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/pod_space.h"

namespace workflow::test {
namespace {

std::string state_of(const Workspace& space) {
  return text_at(space.data({"fsm-status"}), "state");
}

}  // namespace

TEST_CASE("a pod is rented, works, and is given back with nothing left", "[pods]") {
  const PodSpace pods;
  const Workspace& space = pods.space;
  CHECK(state_of(space) == "INIT");
  const Captured early = space.run({"bootstrap"});
  CHECK(early.status.code == 3);
  CHECK(contains(early.err, "pod-up → bootstrap"));
  const Captured reader = space.run({"sweep-status"});
  CHECK(reader.status.code == 6);
  CHECK(contains(reader.err, "workflow pod-up rents one"));

  const Json up = space.data({"pod-up"});
  CHECK(text_at(up, "state") == "POD_READY");
  const std::string name = text_at(member(up, "pod"), "name");
  CHECK(state_of(space) == "POD_READY");
  const Captured again = space.run({"pod-up"});
  CHECK(again.ok());
  CHECK(member(space.data({"pod-list"}), "pods").size() == 1);

  const Captured home = space.run({"exec", "--", "sh", "-c", "echo $HOME; ls -d ~/.workflow"});
  CHECK(contains(home.out, "loopback"));

  const Json down = space.data({"pod-down"});
  CHECK(text_at(down, "state") == "POD_TERMINATED");
  CHECK(text_at(down, "name") == name);
  CHECK(state_of(space) == "POD_TERMINATED");
  CHECK(space.run({"pod-down"}).ok());
  CHECK(real_files().list(pods.roots()).empty());
  CHECK(member(space.data({"pod-list"}), "pods").empty());
  CHECK(member(space.data({"pod-list", "--all"}), "pods").size() == 1);
}

TEST_CASE("pod-down refuses while something is at work", "[pods]") {
  const PodSpace pods;
  const Workspace& space = pods.space;
  const std::string name = text_at(member(space.data({"pod-up"}), "pod"), "name");
  (void)space.data({"task-run", "--id", "long", "--", "sleep", "600"});
  const Captured refused = space.run({"pod-down"});
  CHECK(refused.status.code == 9);
  CHECK(contains(refused.err, "task long is going"));
  CHECK(contains(refused.err, "--abandon " + name));
  CHECK(state_of(space) == "POD_READY");
  CHECK(space.run({"pod-down", "--abandon", "another"}).status.code == 2);
  CHECK(space.run({"pod-down", "--force"}).ok());
}

TEST_CASE("pod-down refuses while results are only on the pod", "[pods]") {
  const PodSpace pods(
      "TRAIN_COMMAND_TEMPLATE='mkdir -p \"$TRAIN_OUT_DIR\" && echo w > "
      "\"$TRAIN_OUT_DIR/last.pt\"'\n"
      "CHECKOUT_INSTALL_CMD=true\n");
  const Workspace& space = pods.space;
  space.make_repo({{"train.py", ""}});
  space.write("sweep.csv", "run_id,config,seed\nfirst,,1\n");
  space.check_out();
  (void)space.data({"sweep-start"});
  REQUIRE(eventually([&] { return state_of(space) == "SWEEP_COMPLETED"; }, 60'000));
  const Captured refused = space.run({"pod-down"});
  CHECK(refused.status.code == 9);
  CHECK(contains(refused.err, "logs of 1 run and 1 checkpoint"));
  (void)space.data({"fetch-all"});
  CHECK(contains(space.run({"pod-down"}).err, "1 checkpoint"));
  (void)space.data({"fetch-all", "--checkpoints"});
  CHECK(space.run({"pod-down"}).ok());
  CHECK(state_of(space) == "POD_TERMINATED");
}

TEST_CASE("a pod that is gone is told as ended, and pod-up rents another", "[pods]") {
  const PodSpace pods;
  const Workspace& space = pods.space;
  const Json first = member(space.data({"pod-up"}), "pod");
  const Json record =
      parse_json(read_file(pods.roots() / text_at(first, "id") / "pod.json"), "pod.json");
  const auto init = static_cast<pid_t>(number_at(member(record, "init"), "pid"));
  REQUIRE(init > 1);
  auto doomed = tasks::descendants(init);
  doomed.push_back(tasks::reference(init));
  for (const auto& process : doomed) tasks::send_signal(process, SIGKILL);
  const Captured asked = space.run({"exec", "--", "true"});
  CHECK(asked.status.code == 4);
  const Json second = member(space.data({"pod-up"}), "pod");
  CHECK(text_at(second, "id") != text_at(first, "id"));
  CHECK(state_of(space) == "POD_READY");
}

TEST_CASE("a pod with a limit ends by itself", "[pods]") {
  const PodSpace pods;
  const Workspace& space = pods.space;
  const Json up = space.data({"pod-up", "--max-hours", "0.002"});
  CHECK(!text_at(member(up, "pod"), "ends_at").empty());
  REQUIRE(eventually([&] { return real_files().list(pods.roots()).empty(); }, 60'000));
  CHECK(text_at(space.data({"pod-status"}), "state") == "POD_TERMINATED");
  CHECK(state_of(space) == "POD_TERMINATED");
}

TEST_CASE("what cannot be done with pods is said, with what to do", "[pods]") {
  PodSpace pods;
  Workspace& space = pods.space;
  const auto says = [&](std::vector<std::string> words, int code, const char* text) {
    const Captured told = space.run(std::move(words));
    INFO(told.err);
    CHECK(told.status.code == code);
    CHECK(contains(told.err, text));
  };
  says({"--target", "local", "cost", "--runs"}, 6, "what its runs cost is not known");
  (void)space.data({"--target", "local", "pod-up"});
  says({"--target", "local", "pod-down"}, 9, "was not rented from here");
  says({"gc", "wf-nobody-1"}, 6, "no pod that nobody wants is called 'wf-nobody-1'");
  says({"--target", "loopback:00000000", "exec", "--", "true"}, 6, "loopback has no pod");
  says({"--target", "local", "job-run", "--max-hours", "1", "--", "true"}, 2,
       "--max-hours is of a machine that is rented");
  space.set("WF_PROVIDER=lium");
  says({"pod-up"}, 2, "what machine to rent is not said");
  space.set("WF_PROVIDER=loopback");
  space.set("POD_SSH_KEY=nowhere");
  says({"pod-up"}, 7, "and its .pub are not there");
  space.set("POD_SSH_KEY=");
  (void)space.data({"pod-up"});
  says({"pod-up", "--max-hours", "1"}, 8, "--max-hours is set when a pod is rented");
}

TEST_CASE("a job that asked to keep its machine keeps it from gc", "[pods]") {
  const PodSpace pods;
  const Workspace& space = pods.space;
  REQUIRE(space
              .run({"-q", "job-run", "--id", "k", "--no-push", "--provision", "type=cpu",
                    "--keep-alive", "--", "true"})
              .ok());
  const Captured kept = space.run({"gc", "--yes"});
  CHECK(kept.status.code == 9);
  CHECK(contains(kept.err, "asked to keep it"));
  CHECK(space.run({"job-terminate", "k"}).ok());
  fs::remove_all(space.home() / ".local/state/workflow/jobs/k");
  const Captured log = space.run({"job-logs", "k"});
  CHECK(log.status.code == 6);
  CHECK(contains(log.err, "is no more, and its log with it"));
}

}  // namespace workflow::test
