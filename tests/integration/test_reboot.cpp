// The machine was switched off, the pod is another one, or we look from elsewhere: what is proven
// gone is said to be, and nothing else is.
#include <sys/mount.h>

#include <catch2/catch.hpp>

#include "tests/support/answers.h"
#include "tests/support/memory_disk.h"
#include "tests/support/private_mounts.h"
#include "tests/support/provoked.h"
#include "tests/support/quick_python.h"
#include "tests/support/sweeps.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// The power fails under everything that a workspace has at work, and the kernel that comes up has
/// a boot id of its own, until the object goes.
class Reboot {
 public:
  explicit Reboot(const Workspace& space) : file_(space.dir() / "boot_id") {
    need_private_mounts();
    const std::string mark = "HOME=" + space.home().string();
    const bool dark = eventually([&] {
      const auto left = tasks::carrying(mark);
      for (const auto& process : left) tasks::send_signal(process, SIGKILL);
      return left.empty();
    });
    if (!dark) throw std::runtime_error("something outlives the power cut");
    real_files().write(file_, "11111111-2222-3333-4444-555555555555\n");
    if (::mount(file_.c_str(), kernels_, nullptr, MS_BIND, nullptr) != 0) {
      throw std::runtime_error("cannot cover the boot id");
    }
  }
  ~Reboot() { ::umount2(kernels_, MNT_DETACH); }
  Reboot(const Reboot&) = delete;
  Reboot& operator=(const Reboot&) = delete;

 private:
  static constexpr const char* kernels_ = "/proc/sys/kernel/random/boot_id";
  fs::path file_;
};

/// `workflow --json WORDS…` in a pid namespace of its own, and under another host's name.
Json from_container(const Workspace& space, std::vector<std::string> words) {
  CaptureSpec spec;
  spec.argv = {"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"};
  if (::geteuid() != 0) spec.argv.insert(spec.argv.end(), {"--user", "--map-root-user"});
  spec.argv.insert(spec.argv.end(), {workflow_program(), "--json"});
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  spec.env = space.environment();
  spec.workdir = space.dir();
  const Captured done = provoked(spec);
  INFO(done.err);
  return parse_json(split(trim(done.out), '\n').back(), "stdout");
}

const TestRow patient{.run_id = "going", .command = until_released, .max_retries = "1"};

/// Settings whose virtual environments cost nothing, on a disk that costs nothing.
std::string quick(const std::string& settings = {}) {
  (void)use_memory_disk();
  static const QuickPython python;
  return python.setting() + settings;
}

/// A sweep of which one row has ended, one is going and one waits.
struct Running {
  Running() : sweeps(quick()) {
    sweeps.manifest({{.run_id = "before"}, patient, {.run_id = "after"}});
    started = sweeps.start();
    REQUIRE(sweeps.waits_for_start("going"));
    REQUIRE(sweeps.waits_for_state("before", "success"));
  }
  Sweeps sweeps;
  Json started;
};

}  // namespace

TEST_CASE("a reboot: a running task is lost, and what it wrote is there") {
  const Workspace space(quick());
  (void)space.data({"task-run", "--id", "cut", "--cmd", "echo before; sleep 1000"});
  REQUIRE(eventually_is([&] { return log_of(space, "cut"); }, "before\n"));
  const Reboot reboot(space);
  const Json status = space.data({"task-status", "cut"});
  CHECK(text_at(status, "state") == "lost");
  CHECK(text_at(status, "certainty") == "proven");
  CHECK(contains(text_at(status, "reason"), "exit status unknown"));
  CHECK(log_of(space, "cut") == "before\n");
  // It is a task that was, and its id is taken; nothing starts silently again.
  const Json again = space.data({"task-run", "--id", "cut", "--cmd", "echo before; sleep 1000"});
  CHECK_FALSE(flag_at(again, "created", true));
}

TEST_CASE("a reboot: the sweep stalls, and goes on with the row that was cut as its own attempt") {
  const Running at;
  const Sweeps& sweeps = at.sweeps;
  const Reboot reboot(sweeps.space);
  const Json truth = sweeps.truth();
  CHECK(text_at(truth, "state") == "SWEEP_STALLED");
  CHECK(text_at(truth, "recorded_state") == "SWEEP_RUNNING");
  CHECK(text_at(truth, "certainty") == "proven");
  CHECK(contains(text_at(truth, "reason"), "executor is gone"));

  sweeps.release();
  const Json resumed = sweeps.start();
  CHECK(flag_at(resumed, "resumed"));
  CHECK(text_at(resumed, "campaign") == text_at(at.started, "campaign"));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == 3);
  CHECK(sweeps.starts("before") == 1);
  CHECK(sweeps.starts("going") == 2);
  CHECK(sweeps.starts("after") == 1);
  const Json cut = parse_json(read_file(sweeps.run_dir("going") / "attempts/0001/summary.json"),
                              "summary of the attempt");
  CHECK(text_at(cut, "state") == "lost");
  CHECK(text_at(sweeps.space.state(), "state") == "SWEEP_COMPLETED");
}

TEST_CASE("a reboot: the lease of a step that went with it is taken over, and that is told") {
  Workspace space(quick("CHECKOUT_INSTALL_CMD='touch \"$HOME/waits\"; sleep 1000'\n"));
  space.make_repo({{"README", "a training\n"}});
  for (const char* command : {"pod-up", "bootstrap"}) (void)space.data({command});
  (void)space.start({"checkout"}, "checkout.txt");
  REQUIRE(appears(space.home() / "waits"));
  const std::string task = text_at(member(space.state(), "lease"), "task_id");
  REQUIRE_FALSE(task.empty());
  const Reboot reboot(space);
  CHECK(text_at(space.data({"fsm-status"}), "state") == "BOOTSTRAPPED");
  CHECK(member(space.data({"fsm-status"}), "lease").is_null());
  space.set("CHECKOUT_INSTALL_CMD=true");
  const Captured next = space.run({"checkout"});
  INFO(next.err);
  CHECK(next.status.code == 0);
  CHECK(contains(next.err, "took over from 'checkout' (task " + task + ")"));
  CHECK(text_at(space.state(), "state") == "CHECKED_OUT");
  CHECK(text_at(space.data({"task-status", task}), "state") == "lost");
}

TEST_CASE("a new pod on the old volume is POD_READY, and the results are there to be read") {
  const Sweeps sweeps(quick());
  sweeps.manifest({{.run_id = "a", .command = "echo result"}, {.run_id = "b"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  (void)sweeps.space.data({"task-run", "--wait", "--id", "old", "--", "echo", "kept"});
  const Reboot reboot(sweeps.space);
  sweeps.space.write("home/.workflow/pod_id", "0123456789abcdef0123456789abcdef\n");

  const Json truth = sweeps.truth();
  CHECK(text_at(truth, "state") == "POD_READY");
  CHECK(text_at(truth, "recorded_state") == "SWEEP_COMPLETED");
  CHECK(contains(text_at(truth, "reason"), "another pod (id 01234567"));
  CHECK(sweeps.count("success") == 2);
  CHECK(sweeps.space.run({"run-logs", "a"}).out == "result\n");
  CHECK(sweeps.space.run({"task-logs", "old"}).out == "kept\n");
  CHECK(code_of(sweeps.space.json({"sweep-start"})) == 3);

  // It is set up like any new one; what had ended well is not repeated.
  for (const char* step : {"bootstrap", "checkout"}) (void)sweeps.space.data({step});
  CHECK(number_at(sweeps.start(), "skipped") == 2);
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 2);
}

TEST_CASE("from another pid namespace a task is unknown: not gone, not adopted, not doubled") {
  const Workspace space(quick());
  (void)space.data({"task-run", "--id", "there", "--", "sleep", "1000"});
  const std::string before = read_file(space.task_dir("there") / "status.json");
  const Json status = member(from_container(space, {"task-status", "there"}), "data");
  CHECK(text_at(status, "state") == "running");
  CHECK(text_at(status, "certainty") == "unknown");
  CHECK(code_of(from_container(space, {"task-cancel", "there"})) == 4);
  CHECK(code_of(from_container(space, {"task-run", "--force", "--id", "there", "--", "true"})) ==
        4);
  const Json same = from_container(space, {"task-run", "--id", "there", "--", "sleep", "1000"});
  CHECK_FALSE(flag_at(member(same, "data"), "created", true));
  CHECK(process_lives(leader_of(space, "there")));
  CHECK(process_lives(supervisor_of(space, "there")));
  CHECK(read_file(space.task_dir("there") / "status.json") == before);
}

TEST_CASE("from another pid namespace a sweep is unknown: neither stalled nor started twice") {
  const Running at;
  const Sweeps& sweeps = at.sweeps;
  const Workspace& space = sweeps.space;
  const Json truth = member(from_container(space, {"fsm-status"}), "data");
  CHECK(text_at(truth, "state") == "SWEEP_RUNNING");
  CHECK(text_at(truth, "certainty") == "unknown");
  const Json same = from_container(space, {"sweep-start"});
  CHECK(code_of(same) == 0);
  CHECK_FALSE(flag_at(member(same, "data"), "created", true));
  space.write("other.csv", manifest_text({{.run_id = "other"}}));
  CHECK(code_of(from_container(space, {"sweep-start", "--csv", "other.csv"})) == 5);
  CHECK(code_of(from_container(space, {"sweep-stop", "--yes"})) == 4);
  for (const char* step : {"bootstrap", "checkout"}) {
    CHECK(code_of(from_container(space, {step})) == 5);
  }
  // Even where the record claims a stall, nobody takes the place of an executor that may live.
  Json state = space.state();
  state["state"] = "SWEEP_STALLED";
  space.write(".workflow/outputs/_control/workflow_state.json", pretty_json(state));
  const Json stalled = from_container(space, {"sweep-start"});
  INFO(stalled.dump());
  CHECK(code_of(stalled) == 4);
  CHECK(contains(message_of(stalled), text_at(at.started, "campaign")));

  // Seen from where it runs, nothing has happened to it.
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  sweeps.release();
  CHECK(eventually_is([&] { return sweeps.count("success"); }, 3LL));
  CHECK(sweeps.starts() == 3);
}

TEST_CASE("a deleted state file is no new target while a sweep is at work") {
  const Running at;
  const Sweeps& sweeps = at.sweeps;
  const Workspace& space = sweeps.space;
  const std::string campaign = text_at(at.started, "campaign");
  const fs::path file = space.outputs() / "_control/workflow_state.json";
  const std::string next = GENERATE("sweep-start", "pod-up", "task-run", "bootstrap", "the end");
  INFO(next);
  fs::remove(file);
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  CHECK(text_at(sweeps.truth(), "campaign") == campaign);
  CHECK(number_at(member(sweeps.status(), "counts"), "total") == 3);
  CHECK_FALSE(fs::exists(file));
  if (next != "the end") {
    std::vector<std::string> words{next};
    if (next == "task-run") words.insert(words.end(), {"--wait", "--", "true"});
    const Json answer = space.json(words);
    INFO(answer.dump());
    CHECK(code_of(answer) == (next == "bootstrap" ? 5 : 0));
    CHECK(text_at(space.state(), "state") == "SWEEP_RUNNING");
    CHECK(text_at(space.state(), "campaign") == campaign);
  }
  sweeps.release();
  CHECK(eventually([&] { return fs::exists(file); }));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 3);
}

TEST_CASE("a state set by hand under a living executor lets nobody start a second one") {
  const Running at;
  const Sweeps& sweeps = at.sweeps;
  const Workspace& space = sweeps.space;
  (void)space.data({"fsm-reset", "CHECKED_OUT", "--yes"});
  for (const char* csv : {"sweep.csv", "other.csv"}) {
    space.write("other.csv", manifest_text({{.run_id = "other"}}));
    const Json busy = space.json({"sweep-start", "--csv", csv});
    INFO(busy.dump());
    CHECK(code_of(busy) == 5);
    CHECK(text_at(member(member(busy, "error"), "holder"), "campaign") ==
          text_at(at.started, "campaign"));
  }
  sweeps.release();
  CHECK(eventually_is([&] { return sweeps.count("success"); }, 3LL));
  CHECK(sweeps.starts() == 3);
}
