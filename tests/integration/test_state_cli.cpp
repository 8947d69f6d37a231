// The state family through the built program, for people and for scripts.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "fsm/diagram.h"
#include "fsm/planner.h"
#include "tasks/state_record.h"
#include "tests/support/answers.h"
#include "tests/support/workspace.h"

namespace workflow::test {
namespace {

using fsm::State;

const fs::path record = ".workflow/outputs/_control/workflow_state.json";

/// A record at this state, as an older command would have left it; nothing speaks against it.
std::string put_state(const Workspace& space, State state) {
  tasks::StateRecord made;
  made.state = state;
  made.revision = 5;
  made.reason = "prepared";
  space.write(record, pretty_json(tasks::state_json(made)));
  return space.read(record);
}

void check_envelope(const Json& document, const std::string& command, bool ok) {
  INFO(dump_json(document));
  CHECK(text_at(document, "schema") == "workflow." + command + "/1");
  CHECK(flag_at(document, "ok", !ok) == ok);
  CHECK(document.contains("data"));
  CHECK(member(document, "warnings").is_array());
  CHECK(text_at(document, "observed_at").size() == std::string("2026-01-31T23:59:59.042Z").size());
  CHECK(document.contains("error") == !ok);
  if (ok) return;
  const Json& error = member(document, "error");
  for (const char* key : {"code", "message", "hint"}) CHECK(member(error, key).is_string());
  CHECK(member(error, "exit_code").is_number());
}

}  // namespace

TEST_CASE("the state as JSON holds every field of the contract") {
  const Workspace space;
  for (const bool there : {false, true}) {
    if (there) (void)space.data({"fsm-reset", "POD_READY"});
    const Json document = space.json({"fsm-status"});
    check_envelope(document, "fsm-status", true);
    const Json& data = member(document, "data");
    for (const char* key :
         {"state", "recorded_state", "previous", "revision", "reason", "updated_at", "updated_by",
          "state_file", "lease", "campaign", "pod", "legal_commands", "certainty"}) {
      INFO(key);
      CHECK(data.contains(key));
    }
    CHECK(text_at(data, "state") == (there ? "POD_READY" : "INIT"));
    CHECK(text_at(data, "certainty") == "proven");
    CHECK(number_at(data, "revision") == (there ? 1 : 0));
    CHECK(fs::path(text_at(data, "state_file")) == space.dir() / record);
    CHECK(fs::exists(space.dir() / record) == there);
  }
}

TEST_CASE("the state family speaks to people and to scripts") {
  const Workspace space;
  CHECK(contains(space.run({"fsm-status"}).out, "INIT   nothing was done here yet\n"));
  CHECK(space.run({"fsm-log"}).out == "nothing has changed here yet\n");
  const Captured reset = space.run({"fsm-reset", "checked-out"});
  CHECK(code_of(reset) == 0);
  CHECK(reset.out == "CHECKED_OUT   set by hand, revision 1\n");
  const Captured status = space.run({"fsm-status"});
  CHECK(contains(status.out, "CHECKED_OUT   reset by hand\n"));
  CHECK(contains(status.out, "legal now   pod-status, pod-wait, bootstrap, checkout, sweep-start"));
  CHECK(contains(status.out, "by tester@"));
  CHECK(status.err.empty());

  const Json log = space.json({"fsm-log"});
  check_envelope(log, "fsm-log", true);
  const Json& changes = member(member(log, "data"), "changes");
  REQUIRE(changes.size() == 1);
  CHECK(text_at(changes[0], "kind") == "reset");
  CHECK(text_at(changes[0], "from") == "INIT");
  CHECK(text_at(changes[0], "to") == "CHECKED_OUT");
  CHECK(contains(space.run({"fsm-log"}).out, "INIT → CHECKED_OUT"));

  CHECK(space.run({"plan", "SWEEP_RUNNING"}).out == "workflow sweep-start\n");
  CHECK(member(space.data({"plan", "POD_TERMINATED"}), "path") == Json({"pod-down"}));
  CHECK(space.run({"plan", "CHECKED_OUT"}).out == "already in CHECKED_OUT\n");
  CHECK(space.run({"fsm-graph"}).out == fsm::mermaid());
  CHECK(space.run({"fsm-graph", "--format", "dot"}).out == fsm::dot());
  CHECK(parse_json(space.run({"fsm-graph", "--format", "json"}).out, "g").contains("arrows"));
  CHECK(code_of(space.run({"fsm-graph", "--format", "png"})) == 2);
  CHECK(number_at(space.state(), "revision") == 1);
}

TEST_CASE("a reset refuses a revision that has passed and a state that is none") {
  const Workspace space;
  (void)space.data({"fsm-reset", "POD_READY"});
  const std::string before = space.read(record);
  const Json late = space.json({"fsm-reset", "INIT", "--if-revision", "0"});
  CHECK(text_at(member(late, "error"), "code") == "busy");
  const Captured unknown = space.run({"fsm-reset", "POD_REDY"});
  CHECK(code_of(unknown) == 2);
  CHECK(contains(unknown.err, "did you mean POD_READY?"));
  CHECK(code_of(space.run({"-n", "fsm-reset"})) == 0);
  CHECK(space.read(record) == before);
}

TEST_CASE("a foreign record: 7 and its name; reset keeps its bytes; a newer one stays") {
  const Workspace space;
  space.write(record, "not ours");
  for (const char* command : {"fsm-status", "pod-up", "checkout"}) {
    const Json document = space.json({command});
    check_envelope(document, command, false);
    CHECK(number_at(member(document, "error"), "exit_code") == 7);
    CHECK(contains(text_at(member(document, "error"), "message"), record.string()));
  }
  CHECK(space.read(record) == "not ours");
  const Captured reset = space.run({"fsm-reset"});
  CHECK(code_of(reset) == 0);
  CHECK(contains(reset.err, ".kept-"));
  space.write(record, "{\"schema\":\"workflow.state/9\"}");
  CHECK(code_of(space.run({"fsm-reset"})) == 7);
  CHECK(space.read(record) == "{\"schema\":\"workflow.state/9\"}");
}

TEST_CASE("advance runs the way, and asks before it ends something") {
  const Workspace space;
  CHECK(contains(space.run({"-n", "advance", "POD_READY"}).out, "would run: workflow pod-status"));
  CHECK_FALSE(fs::exists(space.dir() / record));
  const Json done = space.json({"advance", "POD_READY"});
  check_envelope(done, "advance", true);
  CHECK(text_at(space.state(), "state") == "POD_READY");
  CHECK(member(space.data({"advance", "POD_READY"}), "path").empty());
  CHECK(number_at(space.state(), "revision") == 1);
  // INIT lies behind a reset only.
  const Json none = space.json({"plan", "INIT"});
  CHECK(number_at(member(none, "error"), "exit_code") == 3);
  put_state(space, State::sweep_running);
  const Json refused = space.json({"advance", "CHECKED_OUT"});
  CHECK(number_at(member(refused, "error"), "exit_code") == 9);
  CHECK(text_at(space.state(), "state") == "SWEEP_RUNNING");
}

TEST_CASE("every command that is not legal ends with 3 and leaves every byte") {
  const Workspace space;
  space.write("sweep.csv", "run_id,config,seed,overrides,notes\na,c.py,0,,\n");
  const Json known = member(space.data({"help"}), "commands");
  std::size_t refusals = 0;
  for (const State state : fsm::all_states()) {
    const std::string before = put_state(space, state);
    for (const auto& item : known) {
      const std::string name = item;
      const auto event = fsm::event_from(name);
      // Asking a pod that is up to come up changes nothing and is no fault.
      if (!event || fsm::next(state, *event) || name == "pod-up") continue;
      INFO(name << " in " << fsm::name(state));
      std::vector<std::string> words{name, "--yes"};
      if (name == "task-run" || name == "exec" || name.starts_with("job-"))
        words.insert(words.end(), {"--", "true"});
      if (name.starts_with("run-")) words.emplace_back("a");
      if (name == "sweep-apply") words.emplace_back("sweep.csv");
      const Json document = space.json(words);
      check_envelope(document, name, false);
      const Json& error = member(document, "error");
      CHECK(text_at(error, "code") == "illegal_state");
      CHECK(number_at(error, "exit_code") == 3);
      CHECK(text_at(error, "state") == fsm::name(state));
      CHECK(member(error, "legal_in").size() == fsm::legal_in(*event).size());
      CHECK(member(error, "path").is_array());
      CHECK(space.read(record) == before);
      ++refusals;
    }
  }
  CHECK(refusals > 15);
  CHECK_FALSE(fs::exists(space.outputs() / "_control" / "workflow_log.jsonl"));
  put_state(space, State::pod_ready);
  const Captured told = space.run({"sweep-start"});
  CHECK(code_of(told) == 3);
  CHECK(told.out.empty());
  CHECK(told.err ==
        "workflow: 'sweep-start' is not legal in POD_READY; it is in CHECKED_OUT, SWEEP_STALLED, "
        "SWEEP_COMPLETED\n  path: bootstrap → checkout → sweep-start      "
        "(workflow advance SWEEP_RUNNING does all three)\n");
}

TEST_CASE("readers and pod-status read every state and write none") {
  const Workspace space;
  for (const State state : fsm::all_states()) {
    const std::string before = put_state(space, state);
    for (const char* command : {"fsm-status", "fsm-log", "fsm-graph", "task-list"}) {
      CHECK(code_of(space.run({command})) == 0);
    }
    CHECK(text_at(space.data({"fsm-status"}), "state") == fsm::name(state));
    CHECK(space.read(record) == before);
  }
}

TEST_CASE("unenforced, the refusal is a warning") {
  Workspace space;
  space.set("WF_FSM_ENFORCE=0");
  put_state(space, State::pod_terminated);
  const Json document = space.json({"task-run", "--id", "t", "--wait", "--", "true"});
  check_envelope(document, "task-run", true);
  REQUIRE(member(document, "warnings").size() == 1);
  CHECK(contains(member(document, "warnings")[0], "WF_FSM_ENFORCE=0"));
  CHECK(text_at(space.state(), "state") == "POD_READY");
  CHECK(flag_at(space.state(), "unenforced"));
}

}  // namespace workflow::test
