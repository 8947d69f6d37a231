// Every record of ours × every damage × every command that reads it: refused by the file's name or
// passed over, never a crash, never a success or an INIT that nobody recorded, never overwritten.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/cut_space.h"
#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"

namespace workflow::test {
namespace {

struct Damage {
  std::string name;
  std::string bytes;
};

/// The same record of a version to come, of another program, and torn in every way.
std::vector<Damage> damages(const std::string& whole) {
  std::string newer = whole;
  const auto slash = newer.find("/1\"");
  if (slash != std::string::npos) newer.replace(slash, 3, "/99\"");
  std::string members = whole;
  Json record = Json::parse(whole, nullptr, false);
  if (record.is_object()) {
    for (auto& [key, value] : record.items()) {
      if (key != "schema") value = {{"x", Json::array({7, Json::object()})}};
    }
    members = dump_json(record);
  }
  return {{"empty", ""},
          {"cut in half", whole.substr(0, whole.size() / 2)},
          {"all NUL", std::string(whole.size(), '\0')},
          {"no text", "\xff\xfe\x00\x01 binary"},
          {"another's", "[]"},
          {"null", "null"},
          {"another's object", R"({"schema":"other/1","state":"CHECKED_OUT"})"},
          {"too deep", std::string(100'000, '[')},
          {"a number beyond all", R"({"schema":"workflow.state/1","revision":1e999})"},
          {"newer", newer},
          {"members of no use", members}};
}

/// What a command makes of a damaged record: 7 with its name, or nothing at all.
struct Reader {
  std::vector<std::string> words;
  int code;
};

void check(const Workspace& space, const fs::path& file, const Reader& reader) {
  const std::string before = read_file(file);
  const Captured done = space.run(reader.words);
  INFO(join(reader.words, " ") << "\n" << done.out.substr(0, 600) << done.err);
  CHECK(done.status.code == reader.code);
  if (reader.code == 7) CHECK(done.err.find(file.string()) != std::string::npos);
  if (reader.words[0] == "fsm-status") CHECK(done.out.find("INIT") == std::string::npos);
  CHECK(read_file(file) == before);
}

void check_all(const Workspace& space, const fs::path& file, const std::vector<Reader>& readers,
               const std::vector<std::string>& whole_still = {}) {
  const std::string whole = read_file(file);
  for (const Damage& damage : damages(whole)) {
    INFO(file.string() << ": " << damage.name);
    bool counts = damage.bytes != whole;
    for (const auto& name : whole_still) counts = counts && damage.name != name;
    if (!counts) continue;
    real_files().write(file, damage.bytes);
    for (const Reader& reader : readers) check(space, file, reader);
  }
  real_files().write(file, whole);
}

}  // namespace

TEST_CASE("a damaged state refuses all that would build on it, and a reset keeps its bytes") {
  const Sweeps sweeps;
  const Workspace& space = sweeps.space;
  (void)space.data({"task-run", "--wait", "--id", "one", "--", "true"});
  sweeps.manifest({{.run_id = "a"}});
  const fs::path state = space.outputs() / "_control/workflow_state.json";
  check_all(space, state,
            {{{"fsm-status"}, 7},
             {{"plan", "SWEEP_RUNNING"}, 7},
             {{"task-run", "--", "true"}, 7},
             {{"sweep-start"}, 7},
             {{"checkout"}, 7},
             {{"pod-up"}, 7},
             {{"fsm-log"}, 0},
             {{"task-list"}, 0},
             {{"task-status", "one"}, 0}});
  for (const Damage& damage : damages(read_file(state))) {
    if (damage.name == "newer") continue;
    INFO(damage.name);
    real_files().write(state, damage.bytes);
    const Json reset = space.data({"fsm-reset", "CHECKED_OUT"});
    const std::string notes = dump_json(member(reset, "notes"));
    const auto at = notes.find(state.string() + ".kept-");
    REQUIRE(at != std::string::npos);
    CHECK(read_file(notes.substr(at, notes.find('\'', at) - at)) == damage.bytes);
    CHECK(text_at(space.data({"fsm-status"}), "recorded_state") == "CHECKED_OUT");
  }
}

TEST_CASE("a damaged log of changes is passed over, and the next change is added to it") {
  const Workspace space;
  (void)space.data({"pod-up"});
  const fs::path log = space.outputs() / "_control/workflow_log.jsonl";
  for (const Damage& damage : damages(read_file(log))) {
    INFO(damage.name);
    real_files().write(log, damage.bytes);
    CHECK(space.run({"fsm-log"}).status.code == 0);
    CHECK(space.run({"fsm-reset", "POD_READY"}).status.code == 0);
    CHECK(read_file(log).starts_with(damage.bytes));
    CHECK_FALSE(member(space.data({"fsm-log"}), "changes").empty());
  }
}

TEST_CASE("a damaged record of a task is refused by name and hides no other task") {
  const Workspace space;
  for (const char* id : {"one", "two"}) {
    (void)space.run({"task-run", "--wait", "--id", id, "--", "sh", "-c", "exit 1"});
  }
  for (const char* name : {"spec.json", "status.json"}) {
    const fs::path file = space.task_dir("one") / name;
    check_all(space, file,
              {{{"task-status", "one"}, 7},
               {{"task-wait", "one"}, 7},
               {{"task-logs", "one"}, 7},
               {{"task-run", "--id", "one", "--", "sh", "-c", "exit 1"}, 7},
               {{"task-status", "two"}, 0},
               {{"fsm-status"}, 0},
               {{"task-list"}, 0}});
    const std::string whole = read_file(file);
    real_files().write(file, "torn");
    const Json tasks = member(space.data({"task-list"}), "tasks");
    REQUIRE(tasks.size() == 2);
    CHECK(dump_json(tasks).find(file.string()) != std::string::npos);
    real_files().write(file, whole);
  }
  space.write(".workflow/outputs/_tasks/one/order.json", "{\"as\":\"stopped\",\"by\":\"x\"}");
  check_all(space, space.task_dir("one") / "order.json", {{{"task-status", "one"}, 0}});
}

TEST_CASE("a damaged record of a run or a campaign is refused by name and hides no other row") {
  const Sweeps sweeps;
  const Workspace& space = sweeps.space;
  sweeps.manifest({{.run_id = "a"}, {.run_id = "b"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const fs::path campaign = sweeps.campaign_dir(text_at(space.state(), "campaign"));
  for (const char* name : {"spec.json", "status.json"}) {
    check_all(space, sweeps.run_dir("a") / name,
              {{{"why", "a"}, 7},
               {{"run-logs", "a"}, 7},
               {{"sweep-start"}, 7},
               {{"why", "b"}, 0},
               {{"sweep-status", "--all"}, 0},
               {{"fsm-status"}, 0}});
  }
  check_all(space, sweeps.run_dir("a") / "summary.json",
            {{{"why", "a"}, 7}, {{"why", "b"}, 0}, {{"sweep-status", "--all"}, 0}},
            {"members of no use"});  // which the record beside it has
  check_all(space, campaign / "campaign.json",
            {{{"sweep-status"}, 7}, {{"fsm-status"}, 0}, {{"why", "a"}, 0}});
  check_all(space, campaign / "rows.jsonl",
            {{{"sweep-status"}, 7}, {{"fsm-status"}, 7}, {{"why", "a"}, 0}},
            {"cut in half"});  // a change that a crash kept from being written
  check_all(space, campaign / "manifest.csv", {{{"sweep-status"}, 0}, {{"fsm-status"}, 0}});
  const fs::path rows = campaign / "rows.jsonl";
  real_files().append(rows, std::string("\0\0\0 torn", 8));
  CHECK(sweeps.count("success") == 2);
  real_files().write(rows, "");
  // The way out that the refusal names.
  CHECK(space.run({"fsm-reset", "CHECKED_OUT"}).status.code == 0);
  CHECK(text_at(sweeps.truth(), "state") == "CHECKED_OUT");
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(number_at(member(sweeps.status(), "counts"), "skipped") == 2);
  CHECK(sweeps.starts() == 2);
}

TEST_CASE("a record of a going run that is damaged hides no other row, and ends as lost") {
  const Sweeps sweeps;
  const Workspace& space = sweeps.space;
  sweeps.manifest({{.run_id = "a", .command = until_released}, {.run_id = "b"}});
  (void)sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  const fs::path file = sweeps.run_dir("a") / "status.json";
  const Json record = space.run_status("a");
  real_files().write(file, "torn");
  const Json status = sweeps.status();
  CHECK(member(status, "runs").size() == 2);
  CHECK(dump_json(status).find(file.string()) != std::string::npos);
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  CHECK(space.run({"checkout"}).status.code == 5);
  Sweeps::kill_hard(Sweeps::supervisor_of(record));
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == 1);
  CHECK(sweeps.count("lost") == 1);
  CHECK(read_file(file) == "torn");
}

TEST_CASE("a campaign whose manifest is another one goes no further, and says why") {
  const Sweeps sweeps;
  const Workspace& space = sweeps.space;
  sweeps.manifest({{.run_id = "a", .command = until_released}, {.run_id = "b"}});
  const Json started = sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  Sweeps::kill_hard(Sweeps::command_of(space.task(text_at(started, "task_id"))));
  REQUIRE(eventually_is([&] { return text_at(sweeps.truth(), "state"); }, "SWEEP_STALLED"));
  const fs::path manifest =
      sweeps.campaign_dir(text_at(space.state(), "campaign")) / "manifest.csv";
  const std::string whole = read_file(manifest);
  real_files().write(manifest, whole + "c,x,0,true\n");
  const std::string again = text_at(sweeps.start(), "task_id");
  REQUIRE(eventually_is([&] { return text_at(space.task(again), "state"); }, "failed"));
  CHECK(number_at(space.task(again), "exit_code") == 7);
  const Json truth = sweeps.truth();
  CHECK(text_at(truth, "state") == "SWEEP_STALLED");
  CHECK(text_at(truth, "reason").find("is not what the sweep was started with") !=
        std::string::npos);
  real_files().write(manifest, whole);
  (void)sweeps.start();
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 2);
}

TEST_CASE("a damaged cache of this machine is no cache, whether the target answers or not") {
  CutSpace far;
  const Workspace& space = far.space;
  CHECK(space.run({"fsm-status"}).status.code == 0);
  const fs::path cache = space.home() / ".cache/workflow";
  const fs::path known = cache / "last-known" / real_files().list(cache / "last-known").at(0);
  fs::create_directories(cache / "ways");
  const std::string whole = read_file(known);
  for (const bool answers : {true, false}) {
    if (!answers) far.proxy.refuse();
    for (const Damage& damage : damages(whole)) {
      INFO(damage.name << (answers ? ", it answers" : ", it does not"));
      real_files().write(known, damage.bytes);
      const Captured done = space.run({"fsm-status"});
      INFO(done.err);
      CHECK(done.status.code == (answers ? 0 : 4));
      CHECK(done.err.find("bug") == std::string::npos);
    }
  }
}

TEST_CASE("a damaged id of the machine moves no state") {
  const Workspace space;
  for (const char* command : {"pod-up", "bootstrap"}) (void)space.data({command});
  const fs::path file = space.home() / ".workflow/pod_id";
  const std::string whole = read_file(file);
  for (const std::string& bytes : {std::string(), std::string(33, '\0'), std::string("\033[2J\n"),
                                   std::string(100'000, 'x'), std::string("two words\n")}) {
    real_files().write(file, bytes);
    check(space, file, {{"fsm-status"}, 7});
    check(space, file, {{"task-run", "--", "true"}, 7});
    check(space, file, {{"pod-up"}, 7});
  }
  CHECK(text_at(space.state(), "state") == "BOOTSTRAPPED");
  real_files().write(file, whole);
  CHECK(text_at(space.data({"fsm-status"}), "state") == "BOOTSTRAPPED");
}

}  // namespace workflow::test
