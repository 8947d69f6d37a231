// The acceptance test of a target: real processors, disk and torch with gloo; GPUs that
// tests/support/fake_nvidia_smi tells of.
#include <catch2/catch.hpp>
#include <map>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/fake_gpus.h"
#include "tests/support/tasks.h"

namespace workflow::test {
namespace {

std::map<std::string, Json> by_name(const Json& document) {
  std::map<std::string, Json> found;
  for (const auto& trial : member(member(document, "data"), "trials")) {
    found[text_at(trial, "name")] = trial;
  }
  return found;
}

std::string outcome(const Json& trial) { return text_at(trial, "outcome"); }
std::string text(const Json& trial) { return text_at(trial, "text"); }

/// Two GPUs in a workspace whose python has no torch.
struct Gpus {
  explicit Gpus(const std::string& settings = {})
      : space("REMOTE_PYTHON_BIN=/bin/false\n" + settings), gpus(space.dir() / "bin", 2) {
    space.set(gpus.path_entry());
  }
  void say(int gpu, const char* key, const char* value) {
    gpus.gpu(gpu)["values"][key] = value;
    gpus.tell();
  }
  [[nodiscard]] Json rehearse() const {
    return space.json({"rehearse", "--only", "gpus,ecc,clocks"});
  }

  Workspace space;
  FakeGpus gpus;
};

}  // namespace

TEST_CASE("a rehearsal tries this machine and leaves nothing but its record") {
  Workspace space("REMOTE_PYTHON_BIN=/usr/bin/python3\n");
  space.set("OMP_NUM_THREADS=1");
  space.set("PYTHONPATH=" WORKFLOW_SOURCE_DIR "/tests/fixtures/torchrun");  // Debian's needs it
  const Json document = space.json({"rehearse"});
  INFO(dump_json(document));
  CHECK(flag_at(document, "ok"));
  const auto trials = by_name(document);
  CHECK(trials.size() == 10);
  CHECK(number_at(trials.at("gpus"), "number") == 1);
  CHECK(outcome(trials.at("gpus")) == "skipped");
  CHECK(outcome(trials.at("network")) == "skipped");
  for (const char* name : {"host", "disk", "torch", "all-reduce"}) {
    CHECK(outcome(trials.at(name)) == "ok");
  }
  CHECK(contains(text(trials.at("disk")), "writes "));
  CHECK(contains(text(trials.at("all-reduce")), "2 ranks by gloo"));
  CHECK(real_files().list(space.outputs()) == std::vector<std::string>{"_control", "_tasks"});
  const std::string id = text_at(member(document, "data"), "task_id");
  CHECK(contains(log_of(space, id), "7. disk: ok, "));
}

TEST_CASE("GPUs are counted against what was ordered, and compared with each other") {
  Gpus two("LIUM_COUNT=4\n");
  two.gpus.gpu(1)["name"] = "NVIDIA Fake 40GB";
  two.gpus.tell();
  const Json document = two.rehearse();
  CHECK(code_of(document) == 7);
  const Json gpus = by_name(document).at("gpus");
  CHECK(outcome(gpus) == "fail");
  CHECK(contains(text(gpus), "2 × NVIDIA Fake 80GB"));
  CHECK(contains(text(gpus), "4 were ordered"));
  CHECK(contains(text(gpus), "GPU 1 is a NVIDIA Fake 40GB"));
  CHECK(contains(two.space.run({"rehearse", "--only", "gpus"}).err, "not fit: gpus"));
}

TEST_CASE("memory errors, heat and a capped power are found; healthy GPUs are fit") {
  Gpus two("WF_PROVISION=type=Fake,count=2\n");
  CHECK(flag_at(two.rehearse(), "ok"));
  two.say(0, "ecc.errors.uncorrected.aggregate.total", "3");
  two.say(1, "power.limit", "450.00");
  const Json warned = two.rehearse();
  CHECK(flag_at(warned, "ok"));
  CHECK(outcome(by_name(warned).at("ecc")) == "warn");
  CHECK(contains(text(by_name(warned).at("clocks")), "GPU 1 is made for 700.00 W"));
  two.say(0, "ecc.errors.uncorrected.volatile.total", "1");
  two.say(1, "clocks_throttle_reasons.active", "0x0000000000000048");
  const auto failed = by_name(two.rehearse());
  CHECK(contains(text(failed.at("ecc")), "GPU 0: 1 error since its driver came up"));
  CHECK(outcome(failed.at("clocks")) == "fail");
  CHECK(contains(text(failed.at("clocks")), "slowed down by heat (hardware)"));
  two.say(0, "ecc.errors.uncorrected.volatile.total", "[N/A]");
  two.say(1, "ecc.errors.uncorrected.volatile.total", "[N/A]");
  CHECK(outcome(by_name(two.rehearse()).at("ecc")) == "skipped");
}

TEST_CASE("a trial that does not answer is given up on, and the next one is made") {
  Workspace space;
  space.write("bin/python", "#!/bin/sh\nexec sleep 600\n");
  fs::permissions(space.dir() / "bin/python", fs::perms::owner_all);
  space.set("REMOTE_PYTHON_BIN=" + (space.dir() / "bin/python").string());
  const Json document =
      space.json({"rehearse", "--only", "torch,all-reduce", "--trial-limit", "1"});
  CHECK(code_of(document) == 7);
  CHECK(contains(text(by_name(document).at("torch")), "the python did not answer in time"));
  CHECK(outcome(by_name(document).at("all-reduce")) == "fail");
  CHECK(eventually([&] { return processes_with(space, {"sleep"}).empty(); }));
}

TEST_CASE("without torch its trials are passed over, or fail where it is required") {
  Gpus two;
  const auto passed = by_name(two.space.json({"rehearse", "--only", "torch,all-reduce"}));
  CHECK(outcome(passed.at("torch")) == "skipped");
  CHECK(outcome(passed.at("all-reduce")) == "skipped");
  two.space.set("REQUIRE_GPU_TORCH=1");
  CHECK(outcome(by_name(two.space.json({"rehearse", "--only", "torch"})).at("torch")) == "fail");
}

TEST_CASE("the same rehearsal is joined while it goes on, and a cancelled one says so") {
  Workspace space;
  space.write("bin/python", "#!/bin/sh\necho $$ > \"$HOME/python\"\nexec sleep 600\n");
  fs::permissions(space.dir() / "bin/python", fs::perms::owner_all);
  space.set("REMOTE_PYTHON_BIN=" + (space.dir() / "bin/python").string());
  const std::vector<std::string> words{"rehearse", "--only", "torch"};
  const pid_t first = space.start(words, "first");
  REQUIRE(pid_in(space.home() / "python") > 0);
  const pid_t second = space.start(words, "second");
  REQUIRE(eventually([&] { return contains(space.read("second"), "is going already"); }));
  const auto tasks = real_files().list(space.outputs() / "_tasks");
  REQUIRE(tasks.size() == 1);
  (void)space.data({"task-cancel", tasks.front()});
  for (const pid_t pid : {first, second}) {
    const auto end = end_of(pid);
    REQUIRE(end);
    CHECK(end->code == 1);
  }
  CHECK(contains(space.read("first"), "the rehearsal cancelled after 0 trials"));
}

TEST_CASE("what makes no sense is refused before anything is done") {
  const Workspace space;
  const Captured unknown = space.run({"rehearse", "--only", "gpu"});
  CHECK(code_of(unknown) == 2);
  CHECK(contains(unknown.err, "there is no trial 'gpu'"));
  CHECK(contains(space.run({"rehearse", "--row", "a"}).err, "--row is of the resume test"));
  CHECK_FALSE(fs::exists(space.outputs() / "_tasks"));
}

}  // namespace workflow::test
