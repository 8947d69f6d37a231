#include <catch2/catch.hpp>

#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

TEST_CASE("of ten --force at once each starts its own or says why not, and one task lives") {
  const Workspace space;
  (void)space.data({"task-run", "--id", "one", "--", "sleep", "7321"});
  std::vector<pid_t> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(space.start({"task-run", "--id", "one", "--force", "--", "sleep", "7321"},
                                  "client-" + std::to_string(i)));
  }
  int started = 0;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const auto end = end_of(clients[i]);
    REQUIRE(end);
    const std::string said = space.read("client-" + std::to_string(i));
    INFO(said);
    const int code = end->code.value_or(-1);
    CHECK((code == 0 || code == 5));
    started += code == 0 ? 1 : 0;
  }
  CHECK(started >= 1);
  CHECK(recorded_state(space, "one") == "running");
  CHECK(processes_with(space, {"sleep", "7321"}) == std::vector<pid_t>{leader_of(space, "one")});
  const auto aside = real_files().list(space.outputs() / "_bak" / "one");
  CHECK(aside.size() == static_cast<std::size_t>(started));
  for (const auto& name : aside) {
    const fs::path file = space.outputs() / "_bak" / "one" / name / "status.json";
    CHECK(text_at(parse_json(read_file(file), name), "state") == "cancelled");
  }
}

TEST_CASE("a directory that is a symlink is neither read nor written through") {
  const Workspace space;
  (void)space.data({"task-run", "--wait", "--id", "one", "--", "true"});
  const fs::path away = space.dir() / "away";
  fs::rename(space.task_dir("one"), away);
  fs::create_directory_symlink(away, space.task_dir("one"));
  const auto before = real_files().list(away);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"task-status", "one"},
        {"task-cancel", "one"},
        {"task-logs", "one"},
        {"task-run", "--id", "one", "--", "true"},
        {"task-run", "--force", "--id", "one", "--", "true"}}) {
    const Captured done = space.run(words);
    INFO(join(words, " ") << ": " << done.err);
    CHECK(done.status.code == 7);
    CHECK(done.err.find("'" + space.task_dir("one").string() + "' is a symlink") !=
          std::string::npos);
  }
  CHECK(real_files().list(away) == before);
  CHECK(member(space.data({"task-list"}), "tasks").size() == 1);  // told, as one that is unknown
}

TEST_CASE("the outputs directory itself may be a symlink") {
  const Workspace space;
  fs::create_directories(space.dir() / "disk");
  fs::create_directories(space.outputs().parent_path());
  fs::create_directory_symlink(space.dir() / "disk", space.outputs());
  CHECK(text_at(space.data({"task-run", "--wait", "--id", "one", "--", "true"}), "state") ==
        "success");
}
