#include <catch2/catch.hpp>

#include "tests/support/answers.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

// Records that another machine, another version or another hand has written.
namespace {

void edit(const fs::path& file, const char* key, const Json& value) {
  Json record = parse_json(read_file(file), "record");
  record[key] = value;
  real_files().write(file, pretty_json(record));
}

}  // namespace

TEST_CASE("a task of another machine is unknown, and nothing is done to it") {
  const Workspace space;
  (void)space.data({"task-run", "--id", "far", "--", "sleep", "1000"});
  const pid_t leader = leader_of(space, "far");
  const pid_t supervisor = supervisor_of(space, "far");
  const fs::path file = space.task_dir("far") / "status.json";
  edit(file, "host", "elsewhere");
  edit(file, "boot_id", "11111111-0000-0000-0000-000000000000");
  const std::string before = read_file(file);

  const Json status = space.data({"task-status", "far"});
  CHECK(text_at(status, "state") == "running");
  CHECK(text_at(status, "certainty") == "unknown");
  CHECK(space.run({"task-status", "far"}).out.find("elsewhere") != std::string::npos);
  CHECK(code_of(space.run({"task-cancel", "far"})) == 4);
  CHECK(code_of(space.run({"task-run", "--force", "--id", "far", "--", "true"})) == 4);
  CHECK(code_of(space.run({"task-wait", "--timeout-secs", "1", "far"})) == 124);
  CHECK(read_file(file) == before);
  CHECK_FALSE(fs::exists(space.task_dir("far") / "order.json"));
  CHECK(process_lives(leader));
  CHECK(process_lives(supervisor));
}

TEST_CASE("a record of a newer version is refused by name, and nothing is written") {
  const Workspace space;
  for (const char* name : {"status.json", "spec.json"}) {
    INFO(name);
    const std::string id = std::string("new-") + std::string(name, 4);
    (void)space.data({"task-run", "--wait", "--id", id, "--", "true"});
    const fs::path file = space.task_dir(id) / name;
    edit(file, "schema", "workflow.task-of-tomorrow/2");
    const std::string before = read_file(file);
    const auto names = real_files().list(space.task_dir(id));
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"task-status", id},
          {"task-wait", id},
          {"task-cancel", id},
          {"task-logs", id},
          {"attach", id},
          {"task-run", "--id", id, "--", "true"},
          {"task-run", "--force", "--id", id, "--", "true"}}) {
      const Captured done = space.run(words);
      INFO(join(words, " ") << ": " << done.err);
      CHECK(code_of(done) == 7);
      CHECK(done.err.find("workflow.task-of-tomorrow/2") != std::string::npos);
      CHECK(done.err.find(file.string()) != std::string::npos);
    }
    CHECK(read_file(file) == before);
    CHECK(real_files().list(space.task_dir(id)) == names);
  }
  // One unreadable task does not hide the others.
  (void)space.data({"task-run", "--wait", "--id", "fine", "--", "true"});
  CHECK(member(space.data({"task-list"}), "tasks").size() == 3);
}

TEST_CASE("a damaged record is refused by name and kept") {
  const Workspace space;
  (void)space.data({"task-run", "--wait", "--id", "torn", "--", "true"});
  const fs::path file = space.task_dir("torn") / "status.json";
  const std::string whole = read_file(file);
  for (const std::string& bytes :
       {whole.substr(0, whole.size() / 2), std::string(), std::string("[]"),
        std::string("{\"schema\":\"workflow.task/1\",\"survivors\":[7]}")}) {
    INFO(bytes);
    real_files().write(file, bytes);
    const Captured done = space.run({"task-status", "torn"});
    INFO(done.err);
    CHECK(code_of(done) == 7);
    CHECK(done.err.find(file.string()) != std::string::npos);
    CHECK(read_file(file) == bytes);
  }
}
