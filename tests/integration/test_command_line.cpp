// What is typed and what comes back, before any target is asked.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/text.h"
#include "fsm/workflow_machine.h"
#include "tests/support/answers.h"
#include "tests/support/workspace.h"

namespace workflow::test {
namespace {}  // namespace

TEST_CASE("help is as it is kept") {
  const Workspace space;
  const Captured help = space.run({"help"});
  CHECK(code_of(help) == 0);
  CHECK(help.err.empty());
  const fs::path golden = WORKFLOW_SOURCE_DIR "/tests/golden/help.txt";
  std::string text = help.out;
  const Json overview = space.data({"help"});
  for (const auto& name : member(overview, "commands")) {
    const Captured one = space.run({"help", name.get<std::string>()});
    CHECK(code_of(one) == 0);
    text += "\n--- " + name.get<std::string>() + "\n" + one.out;
  }
  if (std::getenv("WORKFLOW_UPDATE_GOLDEN") != nullptr) {
    real_files().write(golden, text, {.durable = false});
  }
  INFO("WORKFLOW_UPDATE_GOLDEN=1 with this test rewrites tests/golden/help.txt");
  CHECK(text == read_file(golden));
}

TEST_CASE("help is 0 when asked for and 2 when nothing was") {
  const Workspace space;
  const Captured nothing = space.run({});
  const Captured asked = space.run({"--help"});
  CHECK(code_of(nothing) == 2);
  CHECK(code_of(asked) == 0);
  CHECK(asked.out == space.run({"help"}).out);
  CHECK(nothing.out == asked.out);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"task-run", "--help"}, {"-h", "task-run"}, {"task", "run", "-h"}}) {
    CHECK(space.run(words).out == space.run({"help", "task-run"}).out);
  }
  CHECK(space.run({"--version"}).out.starts_with("workflow "));
  CHECK(contains(space.run({"help", "tsk-run"}).err, "did you mean 'task-run'?"));
}

TEST_CASE("what is not understood is 2, with what was meant") {
  const Workspace space;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"fsm-staus"}, "did you mean 'fsm-status'?"},
      {{"tsak", "run"}, "there is no command 'tsak'"},
      {{"fsm-status", "--jsno"}, "did you mean --json?"},
      {{"task-run", "--timeout-sec", "3", "--", "true"}, "did you mean --timeout-secs?"},
      {{"task-run", "--timeout-secs", "soon", "--", "true"}, "is not a duration"},
      {{"fsm-reset", "--if-revision", "x"}, "--if-revision"},
      {{"fsm-reset", "INIT", "POD_READY"}, "not understood: POD_READY"},
      {{"fsm-status", "--", "x"}, "takes no words behind --"},
      {{"--color", "pink", "fsm-status"}, "--color"},
      {{"plan"}, "'plan' needs state"},
      {{"fsm-status", "--target"}, "--target"}};
  for (const auto& [words, told] : cases) {
    INFO(join(words, " "));
    const Captured answer = space.run(words);
    CHECK(code_of(answer) == 2);
    CHECK(answer.out.empty());
    CHECK(answer.err.starts_with("workflow: "));
    INFO(answer.err);
    CHECK(contains(answer.err, told));
  }
  const Json document = space.json({"fsm-staus"});
  CHECK_FALSE(flag_at(document, "ok", true));
  CHECK(number_at(member(document, "error"), "exit_code") == 2);
  CHECK(fs::is_empty(space.home()));
}

TEST_CASE("global flags stand before and after the command") {
  const Workspace space;
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--json", "fsm-status"},
           {"fsm-status", "--json"},
           {"fsm", "status", "--json"},
           {"--target", "local", "fsm-status", "-q", "--json"},
           {"--config", "workflow.env", "fsm", "status", "--json", "--target=local"},
           {"--color", "never", "--json", "fsm", "status"}}) {
    INFO(join(words, " "));
    const Captured answer = space.run(words);
    CHECK(code_of(answer) == 0);
    CHECK(text_at(member(parse_json(answer.out, "stdout"), "data"), "state") == "INIT");
  }
}

TEST_CASE("a name's hyphen may be a space") {
  const Workspace space;
  const Captured ran = space.run({"task", "run", "--id", "spaced", "--", "echo", "task", "run"});
  CHECK(code_of(ran) == 0);
  CHECK(text_at(space.data({"task", "wait", "spaced"}), "state") == "success");
  CHECK(space.run({"task", "logs", "spaced"}).out == "task run\n");
  CHECK(code_of(space.run({"fsm", "reset", "POD_READY"})) == 0);
}

TEST_CASE("without a target: 2 and how to set one") {
  const Workspace space;
  space.write("workflow.env", "");
  for (const char* command : {"fsm-status", "pod-up", "bootstrap", "task-list"}) {
    const Captured answer = space.run({command});
    CHECK(code_of(answer) == 2);
    CHECK(answer.out.empty());
    CHECK(contains(answer.err, "no target is set"));
    CHECK(contains(answer.err, "WF_TARGET"));
    CHECK(contains(answer.err, "--target"));
  }
  CHECK(code_of(space.run({"--target", "local", "fsm-status"})) == 0);
  CHECK(code_of(space.run({"--config", "missing.env", "fsm-status"})) == 2);
}

TEST_CASE("stdout holds data only") {
  Workspace space;
  space.set("WF_NO_SUCH_SETTING=1");
  space.write("workflow.env", space.read("workflow.env") + "WF_TARGTE=local\n");
  const Captured warned = space.run({"--json", "fsm-status"});
  CHECK(contains(warned.err, "warning: "));
  CHECK(split(trim(warned.out), '\n').size() == 1);
  CHECK(member(parse_json(warned.out, "stdout"), "warnings").size() == 1);
  CHECK(space.run({"-q", "fsm-log"}).err.empty());
  const Captured task = space.run({"task-run", "--wait", "--", "printf", "a\\000b"});
  CHECK(task.out == std::string("a\0b", 3));
}

TEST_CASE("what was not understood is told in the order in which it was typed") {
  const Workspace space;
  const Captured done = space.run({"fsm-status", "--timeout", "1", "extra"});
  INFO(done.err);
  CHECK(code_of(done) == 2);
  CHECK(contains(done.err, "not understood: --timeout 1 extra"));
}

TEST_CASE("the first word of a family lists its commands") {
  const Workspace space;
  const Captured bare = space.run({"task"});
  const Captured asked = space.run({"help", "task"});
  CHECK(code_of(bare) == 2);
  CHECK(code_of(asked) == 0);
  CHECK(bare.out == asked.out);
  for (const char* name : {"task-run", "task-status", "task-wait", "task-list", "task-cancel"}) {
    CHECK(contains(asked.out, std::string("  ") + name + " "));
  }
  CHECK_FALSE(contains(asked.out, "sweep-start"));
  CHECK(space.run({"task", "--help"}).out == asked.out);
  CHECK(member(space.data({"help", "task"}), "commands").size() >= 5);
}

TEST_CASE("a command that the machine knows and this build lacks is told so") {
  const Workspace space;
  std::vector<std::string> built;
  const Json help = space.data({"help"});
  for (const auto& name : member(help, "commands")) built.push_back(name);
  REQUIRE(built.size() > 10);
  for (const auto event : fsm::all_events()) {
    const std::string name(fsm::name(event));
    if (std::find(built.begin(), built.end(), name) != built.end()) continue;
    const Captured done = space.run({name});
    INFO(done.err);
    CHECK(code_of(done) == 2);
    CHECK(contains(done.err, "'" + name + "' is not part of this build") == fsm::is_command(event));
  }
}

}  // namespace workflow::test
