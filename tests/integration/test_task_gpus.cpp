// Tasks that hold GPUs: leased, seen by the task alone, refused while others have them.
#include <catch2/catch.hpp>

#include "tests/support/fake_gpus.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;
using Words = std::vector<std::string>;

namespace {

/// A workspace on a machine with fake GPUs.
class GpuSpace {
 public:
  explicit GpuSpace(int count) : gpus(space.dir() / "fake", count) { space.set(gpus.path_entry()); }

  /// Starts a task that goes on until it is ended.
  [[nodiscard]] Json hold(const std::string& id, const std::string& wish) const {
    return space.json({"task-run", "--id", id, "--gpus", wish, "--", "sleep", "1000"});
  }
  /// The exit code that the same ends with.
  [[nodiscard]] int refused(const std::string& id, const std::string& wish) const {
    const Json document = hold(id, wish);
    INFO(dump_json(document));
    CHECK_FALSE(fs::exists(space.task_dir(id)));
    return static_cast<int>(number_at(member(document, "error"), "exit_code"));
  }
  [[nodiscard]] Words gpus_of(const std::string& id) const {
    const Json status = space.task(id);
    Words found;
    for (const auto& gpu : member(status, "gpus")) found.push_back(gpu.get<std::string>());
    return found;
  }
  /// Lease files that lie there now.
  [[nodiscard]] std::size_t leases() const {
    Words names = real_files().list(space.dir() / "gpus");
    std::erase(names, "lock");
    return names.size();
  }

  Workspace space;
  FakeGpus gpus;
};

std::string id(int index) { return FakeGpus::id(index); }

}  // namespace

TEST_CASE("a task sees the GPUs that it holds, and gives them back at its end") {
  const GpuSpace pod(3);
  const Json data = pod.space.data({"task-run", "--wait", "--id", "looks", "--gpus", "2", "--cmd",
                                    "echo \"$CUDA_VISIBLE_DEVICES\"; ls \"$HOME/../gpus\""});
  CHECK(text_at(data, "state") == "success");
  const auto lines = split(trim(log_of(pod.space, "looks")), '\n');
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == id(0) + "," + id(1));
  CHECK(lines[1].find(".json") != std::string::npos);  // and the lock
  CHECK(pod.gpus_of("looks") == Words{id(0), id(1)});
  CHECK(pod.leases() == 0);
}

TEST_CASE("GPUs that others hold are refused by name, and free ones are found beside them") {
  const GpuSpace pod(3);
  REQUIRE(flag_at(pod.hold("one", "1"), "ok"));
  REQUIRE(flag_at(pod.hold("half", "1/2"), "ok"));
  REQUIRE(flag_at(pod.hold("other-half", "1/2"), "ok"));
  CHECK(pod.gpus_of("one") == Words{id(0)});
  CHECK(pod.gpus_of("half") == pod.gpus_of("other-half"));
  const Json refusal = pod.hold("two", "2");
  const Json& error = member(refusal, "error");
  CHECK(text_at(error, "code") == "busy");
  CHECK(number_at(error, "exit_code") == 5);
  CHECK(text_at(error, "hint").find(id(0) + ": 'one' of tester@") != std::string::npos);
  CHECK(text_at(error, "hint").find("1/2 of " + id(1) + ": 'half' of") != std::string::npos);
  CHECK(member(member(error, "holder"), "gpus").size() == 3);
  CHECK_FALSE(fs::exists(pod.space.task_dir("two")));
  CHECK(pod.refused("all", "all") == 5);
  REQUIRE(flag_at(pod.hold("third", "1"), "ok"));
  CHECK(pod.gpus_of("third") == Words{id(2)});
  (void)pod.space.data({"task-cancel", "one"});
  REQUIRE(flag_at(pod.hold("fourth", "1"), "ok"));
  CHECK(pod.gpus_of("fourth") == Words{id(0)});
}

TEST_CASE("the wish belongs to the command: the same attaches, another is another task") {
  const GpuSpace pod(2);
  REQUIRE(flag_at(pod.hold("x", "1"), "ok"));
  const Json again = pod.hold("x", "1");
  CHECK(flag_at(again, "ok"));
  CHECK_FALSE(flag_at(member(again, "data"), "created", true));
  CHECK(number_at(member(pod.hold("x", "2"), "error"), "exit_code") == 8);
  const Json bare = pod.space.json({"task-run", "--id", "x", "--", "sleep", "1000"});
  CHECK(number_at(member(bare, "error"), "exit_code") == 8);
  // --force ends the task that holds them first.
  const Json forced =
      pod.space.json({"task-run", "--force", "--id", "x", "--gpus", "all", "--", "sleep", "1000"});
  INFO(dump_json(forced));
  CHECK(flag_at(forced, "ok"));
  CHECK(pod.gpus_of("x").size() == 2);
  CHECK(pod.leases() == 1);
}

TEST_CASE("a lease outlives the supervisor as long as the command lives, and no longer") {
  const GpuSpace pod(1);
  REQUIRE(flag_at(pod.hold("x", "1"), "ok"));
  REQUIRE(kill_hard(supervisor_of(pod.space, "x")));
  CHECK(pod.refused("y", "1") == 5);
  REQUIRE(kill_hard(leader_of(pod.space, "x")));
  const Json data = member(pod.hold("y", "1"), "data");
  CHECK(text_at(data, "state") == "running");
}

TEST_CASE("somebody's process on a GPU is a holder too, and is named") {
  GpuSpace pod(2);
  pod.gpus.put(0, 4711, 20100, "python3");
  REQUIRE(flag_at(pod.hold("beside", "1"), "ok"));
  CHECK(pod.gpus_of("beside") == Words{id(1)});
  const Json error = member(pod.hold("more", "1"), "error");
  CHECK(number_at(error, "exit_code") == 5);
  CHECK(text_at(error, "hint").find(id(0) + ": pid 4711 'python3' has 20100 MiB") !=
        std::string::npos);
  (void)pod.space.data({"task-cancel", "beside"});
  pod.gpus.gpu(1)["used"] = 9000;
  pod.gpus.tell();
  CHECK(text_at(member(pod.hold("more", "1"), "error"), "hint").find("9000 MiB are in use") !=
        std::string::npos);
}

TEST_CASE("a wish that no machine or this one cannot fulfil starts nothing") {
  GpuSpace pod(2);
  CHECK(pod.refused("x", "3") == 7);
  for (const char* wish : {"0", "2/3", "many", ""}) CHECK(pod.refused("x", wish) == 2);
  const Json both = pod.space.json(
      {"task-run", "--id", "x", "--gpus", "1", "--env", "CUDA_VISIBLE_DEVICES=0", "--", "true"});
  CHECK(number_at(member(both, "error"), "exit_code") == 2);
  pod.gpus.gpu(1)["lost"] = true;
  pod.gpus.tell();
  const Json lost = member(pod.hold("x", "2"), "error");
  CHECK(number_at(lost, "exit_code") == 7);
  CHECK(text_at(lost, "hint").find("GPU is lost") != std::string::npos);
  pod.gpus.machine["gpus"] = Json::array();
  pod.gpus.tell();
  CHECK(text_at(member(pod.hold("x", "1"), "error"), "message").find("has no GPU") !=
        std::string::npos);
  pod.gpus.machine["hang"] = true;
  pod.gpus.tell();
  const Json hangs = member(pod.hold("x", "1"), "error");
  CHECK(number_at(hangs, "exit_code") == 7);
  CHECK(text_at(hangs, "message").find("has not answered for 10 s") != std::string::npos);
}

TEST_CASE("doctor says who has which GPU") {
  GpuSpace pod(3);
  const auto gpu_check = [&] {
    const Json data = pod.space.data({"doctor"});
    for (const auto& check : member(data, "checks")) {
      if (text_at(check, "check") == "gpu") return check;
    }
    return Json();
  };
  REQUIRE(flag_at(pod.hold("one", "1"), "ok"));
  pod.gpus.put(1, 4711, 20100, "python3");
  const std::string text = text_at(gpu_check(), "text");
  INFO(text);
  CHECK(text.find("3: NVIDIA Fake 80GB, 81559 MiB") == 0);
  CHECK(text.find(id(0) + ": 'one' of tester@") != std::string::npos);
  CHECK(text.find(id(1) + ": pid 4711 'python3'") != std::string::npos);
  CHECK(text.find(id(2)) == std::string::npos);
  pod.gpus.gpu(2)["lost"] = true;
  pod.gpus.tell();
  CHECK(text_at(gpu_check(), "state") == "warn");
}
