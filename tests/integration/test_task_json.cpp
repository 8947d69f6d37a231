#include <catch2/catch.hpp>

#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

namespace {

void has_members(const Json& object, const std::vector<std::string>& keys) {
  for (const auto& key : keys) {
    INFO(key << " in " << dump_json(object));
    CHECK(object.contains(key));
  }
}

}  // namespace

TEST_CASE("task-run, task-status and task-list carry the fields of the contract") {
  const Workspace space;
  const Json document = space.json({"task-run", "--id", "fields", "--cmd", "echo hi; exit 3"});
  CHECK(text_at(document, "schema") == "workflow.task-run/1");
  has_members(document, {"schema", "ok", "data", "warnings", "observed_at"});
  has_members(member(document, "data"),
              {"task_id", "state", "created", "task_dir", "tmux_session", "tmux_window", "attach"});
  CHECK(text_at(member(document, "data"), "tmux_window") == "task-fields");
  CHECK(text_at(member(document, "data"), "task_dir") == space.task_dir("fields").string());
  REQUIRE(reaches(space, "fields", "failed"));

  const std::vector<std::string> record = {
      "schema",        "task_id",      "state",      "created_at",     "started_at",
      "ended_at",      "exit_code",    "signal",     "timeout_secs",   "tmux_session",
      "tmux_window",   "command_path", "stdout_log", "command_sha256", "workdir",
      "process_start", "pid",          "supervisor", "host",           "boot_id",
      "heartbeat_at",  "reason",       "survivors"};
  has_members(space.task("fields"), record);
  const Json status = space.data({"task-status", "fields"});
  has_members(status, record);
  CHECK(text_at(status, "tail") == "hi\n");
  CHECK(text_at(status, "certainty") == "proven");
  CHECK(text_at(status, "schema") == "workflow.task/1");

  const Json list = member(space.data({"task-list"}), "tasks");
  REQUIRE(list.size() == 1);
  has_members(list[0], {"task_id", "state", "created_at", "started_at", "ended_at", "exit_code"});
  CHECK(number_at(list[0], "exit_code") == 3);
}

TEST_CASE("the last line of a wait is the envelope, with the work's own code when asked") {
  const Workspace space;
  const Json own = space.json({"task-run", "--wait", "--id", "three", "--cmd", "exit 3"});
  CHECK(text_at(own, "event") == "result");
  CHECK_FALSE(flag_at(own, "ok", true));
  CHECK(text_at(member(own, "error"), "code") == "work_failed");
  CHECK(number_at(member(own, "error"), "exit_code") == 1);
  CHECK(number_at(member(own, "data"), "exit_code") == 3);

  const Json remote = space.json({"task-wait", "--exit-code=remote", "three"});
  CHECK(text_at(member(remote, "error"), "code") == "work_failed");
  CHECK(number_at(member(remote, "error"), "exit_code") == 3);
}

TEST_CASE("status, list and wait can be asked any number of times and write nothing") {
  const Workspace space;
  (void)space.data({"task-run", "--wait", "--id", "still", "--", "true"});
  const std::string before = read_file(space.task_dir("still") / "status.json");
  const auto names = real_files().list(space.task_dir("still"));
  for (int i = 0; i < 3; ++i) {
    (void)space.data({"task-status", "still"});
    (void)space.data({"task-list"});
    (void)space.data({"task-wait", "still"});
    (void)space.data({"task-cancel", "still"});
  }
  CHECK(read_file(space.task_dir("still") / "status.json") == before);
  CHECK(real_files().list(space.task_dir("still")) == names);
}
