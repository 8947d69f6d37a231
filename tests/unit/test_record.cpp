#include "tasks/record.h"

#include <catch2/catch.hpp>

#include "common/error.h"
#include "tasks/gpu_hold.h"
#include "tests/support/scratch.h"

using namespace workflow;
using namespace workflow::tasks;

namespace {

TaskSpec full_spec() {
  TaskSpec spec;
  spec.task_id = "t-1";
  spec.kind = TaskKind::run;
  spec.argv = {"prog", "", "a b", "\xff\xfe invalid", std::string("new\nline")};
  spec.text = "echo \xff; exit 3\n";
  spec.workdir = "/tmp/\xc3\x28 odd";
  spec.env = {"A=1", "B=\xff"};
  spec.timeout_secs = 90;
  spec.grace_secs = 7;
  spec.leader_only = true;
  spec.tmux_session = "wf";
  spec.token = "0011";
  spec.identity = {{"run_id", "r"}};
  spec.owner = {{"deep", {1, 2}}};
  return spec;
}

fs::path golden(const char* name) { return fs::path(WORKFLOW_SOURCE_DIR) / "tests/golden" / name; }

}  // namespace

TEST_CASE("what was asked for comes back byte for byte") {
  const TaskSpec spec = full_spec();
  const TaskSpec back = spec_from(parse_json(pretty_json(spec_json(spec)), "spec"));
  CHECK(back.task_id == spec.task_id);
  CHECK(back.kind == spec.kind);
  CHECK(back.argv == spec.argv);
  CHECK(back.text == spec.text);
  CHECK(back.workdir == spec.workdir);
  CHECK(back.env == spec.env);
  CHECK(back.timeout_secs == 90);
  CHECK(back.grace_secs == 7);
  CHECK(back.leader_only);
  CHECK(back.tmux_session == "wf");
  CHECK(back.token == "0011");
  CHECK(back.identity == spec.identity);
  CHECK(back.owner == spec.owner);
  CHECK(back.command_sha256() == spec.command_sha256());
}

TEST_CASE("command, directory and environment make a task what it is, and nothing else does") {
  const TaskSpec spec = full_spec();
  const auto changed = [&](auto change) {
    TaskSpec other = spec;
    change(other);
    return other.command_sha256() != spec.command_sha256();
  };
  CHECK(changed([](TaskSpec& s) { s.argv.emplace_back(); }));
  CHECK(changed([](TaskSpec& s) { s.argv = {"prog", "a", "b"}; }));
  CHECK(changed([](TaskSpec& s) { s.text += " "; }));
  CHECK(changed([](TaskSpec& s) { s.workdir += "/"; }));
  CHECK(changed([](TaskSpec& s) { s.env.pop_back(); }));
  CHECK_FALSE(changed([](TaskSpec& s) { s.timeout_secs = 1; }));
  CHECK_FALSE(changed([](TaskSpec& s) { s.token = "other"; }));
  CHECK_FALSE(changed([](TaskSpec& s) { s.tmux_session = "other"; }));
}

TEST_CASE("command.sh is the text, or the words quoted") {
  TaskSpec spec;
  spec.text = "echo hi";
  CHECK(spec.command_script() == "#!/usr/bin/env bash\necho hi\n");
  spec.text.clear();
  spec.argv = {"-prog", "a b", "it's", ""};
  CHECK(spec.command_script() == "#!/usr/bin/env bash\nexec -- -prog 'a b' 'it'\\''s' ''\n");
}

TEST_CASE("what became of a task comes back") {
  const TaskSpec spec = full_spec();
  TaskRecord record;
  record.state = TaskState::cancelled;
  record.stopped_as = "stopped";
  record.created_ms = 1'700'000'000'001;
  record.started_ms = 1'700'000'000'002;
  record.ended_ms = 1'700'000'000'003;
  record.signal = 15;
  record.leader = {123, 456};
  record.supervisor = {124, 457};
  record.place = {"host", "boot", "pid:[1]"};
  record.heartbeat_ms = 1'700'000'000'004;
  record.reason = "why";
  record.survivors = {"7 sleep"};
  const Json json = status_json(spec, record, "/tasks/t-1");
  const TaskRecord back = record_from(parse_json(pretty_json(json), "status"));
  CHECK(pretty_json(status_json(spec, back, "/tasks/t-1")) == pretty_json(json));
  CHECK(back.state_name() == "stopped");
  CHECK(back.ended());
  CHECK(text_at(json, "signal") == "TERM");
  CHECK(text_at(json, "run_id") == "r");

  record.signal.reset();
  record.exit_code = 0;
  record.state = TaskState::success;
  record.stopped_as.clear();
  CHECK(record_from(status_json(spec, record, "/d")).exit_code == 0);
  for (const TaskState state : fsm::all_task_states()) {
    record.state = state;
    CHECK(record_from(status_json(spec, record, "/d")).state == state);
  }
}

TEST_CASE("a wish for GPUs is part of the command, the GPUs it got are not") {
  TaskSpec spec;
  spec.task_id = "t";
  spec.argv = {"train"};
  const std::string without = spec.command_sha256();
  spec.gpu_wish = "2";
  const std::string with = spec.command_sha256();
  CHECK(with != without);
  spec.identity["gpus"] = {"GPU-1", "GPU-2"};
  CHECK(spec.command_sha256() == with);
  const TaskSpec back = spec_from(parse_json(pretty_json(spec_json(spec)), "spec"));
  CHECK(back.gpu_wish == "2");
  CHECK(back.command_sha256() == with);
  CHECK(visible_devices(back) == "CUDA_VISIBLE_DEVICES=GPU-1,GPU-2");
  CHECK_FALSE(visible_devices(TaskSpec{}));
}

TEST_CASE("records of the first release stay readable") {
  const TaskRecord record =
      record_from(parse_json(read_file(golden("task-status-1.json")), "golden"));
  CHECK(record.state == TaskState::failed);
  CHECK(record.exit_code == 3);
  CHECK_FALSE(record.signal);
  CHECK(record.created_ms == 1'769'903'999'042);
  CHECK(record.ended_ms == 1'769'904'001'100);
  CHECK(record.leader.pid == 4243);
  CHECK(record.leader.start == 991'235);
  CHECK(record.supervisor.pid == 4242);
  CHECK(record.place.host == "pod-7");
  CHECK(record.reason == "ended 1 of 1 processes it left behind");
  const TaskSpec spec = spec_from(parse_json(read_file(golden("task-spec-1.json")), "golden"));
  CHECK(spec.argv == std::vector<std::string>{"python", "train.py", "\xff"});
  CHECK(spec.env == std::vector<std::string>{"A=1"});
  CHECK(spec.workdir == "/work");
  CHECK(spec.grace_secs == 30);
}

TEST_CASE("a record of another version is refused") {
  for (const char* name : {"task-status-1.json", "task-spec-1.json"}) {
    Json json = parse_json(read_file(golden(name)), name);
    json["schema"] = text_at(json, "schema") + "1";
    const bool status = std::string(name) == "task-status-1.json";
    try {
      if (status) {
        (void)record_from(json);
      } else {
        (void)spec_from(json);
      }
      FAIL("it was read");
    } catch (const Error& fault) {
      CHECK(fault.code() == Code::precondition);
      CHECK(std::string(fault.what()).find(text_at(json, "schema")) != std::string::npos);
    }
  }
}
