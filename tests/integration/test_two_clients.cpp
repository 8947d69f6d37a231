// Two clients that do the same thing, or things that exclude each other, at the same moment: 200
// rounds with real processes. No change is lost, nothing starts twice, the loser is told who won.
#include <catch2/catch.hpp>

#include "tests/support/memory_disk.h"
#include "tests/support/step_space.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

namespace {

using Words = std::vector<std::string>;

/// The one document that a client printed, and its exit code.
struct Answer {
  int code = -1;
  Json document;
  [[nodiscard]] const Json& data() const { return member(document, "data"); }
  [[nodiscard]] const Json& error() const { return member(document, "error"); }
};

class Desk : public StepSpace {
 public:
  Desk() {
    space.write("tools/tmux", "#!/bin/sh\n[ \"$1\" = -V ] && echo tmux 3.3a\n");
    fs::permissions(space.dir() / "tools/tmux", fs::perms::owner_all);
    space.set("PATH=" + (space.dir() / "tools").string() + ":" + std::getenv("PATH"));
    space.set("SWEEP_MAX_RETRIES=0");
    space.set("KILL_GRACE_SECS=1");
    space.set("TRAIN_COMMAND_TEMPLATE=echo \"$RUN_ID\" >> \"$HOME/started\"; eval \"$OVERRIDES\"");
    (void)space.data({"pod-up"});
  }

  /// Both at once. Every change of the state that they make stands in the log, in order.
  std::vector<Answer> race(const Words& one, const Words& other) {
    const std::int64_t before = revision();
    std::vector<pid_t> clients;
    int n = 0;
    for (Words words : {one, other}) {
      words.insert(words.begin(), "--json");
      const std::string out = "client" + std::to_string(n++) + ".txt";
      space.write(out, "");
      clients.push_back(space.start(words, out));
    }
    std::vector<Answer> answers;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const auto end = end_of(clients[i]);
      REQUIRE(end);
      const std::string said = space.read("client" + std::to_string(i) + ".txt");
      INFO(said);
      const auto lines = split(trim(said), '\n');
      const auto last = std::find_if(lines.rbegin(), lines.rend(), [](const std::string& line) {
        return line.rfind("{", 0) == 0 && line.find("\"schema\"") != std::string::npos;
      });
      REQUIRE(last != lines.rend());
      answers.push_back({end->code.value_or(-1), parse_json(*last, "client")});
    }
    check_log(before);
    return answers;
  }

  [[nodiscard]] std::int64_t revision() const { return number_at(space.state(), "revision"); }
  [[nodiscard]] std::string state() const { return text_at(space.state(), "state"); }
  [[nodiscard]] long started(const std::string& id) const {
    const auto notes = split(real_files().read(space.home() / "started").value_or(""), '\n');
    return std::count(notes.begin(), notes.end(), id);
  }
  void reset(const std::string& state) const { (void)space.data({"fsm-reset", state, "--yes"}); }

  void manifest(const std::string& file, const Words& ids, const std::string& command) const {
    std::string text = "run_id,overrides\n";
    for (const auto& id : ids) text += id + "," + command + "\n";
    space.write(file, text);
  }

 private:
  void check_log(std::int64_t before) {
    const fs::path file = space.outputs() / "_control/workflow_log.jsonl";
    std::int64_t expected = 0;
    for (const auto& line : split(trim(read_file(file)), '\n')) {
      CHECK(number_at(parse_json(line, "log"), "revision") == ++expected);
    }
    CHECK(revision() == expected);
    CHECK(expected >= before);
  }
};

/// Whose answer says that it was the one that did it.
std::size_t winner(const std::vector<Answer>& answers) {
  return flag_at(answers[0].data(), "created") ? 0 : 1;
}

struct InMemory {
  InMemory() { (void)use_memory_disk(); }
};

class Race : InMemory, public Desk {};

}  // namespace

TEST_CASE("task-run of one id and one command: one starts it, the other attaches") {
  Race at;
  for (int round = 0; round < 60; ++round) {
    INFO("round " << round);
    const std::string id = "t" + std::to_string(round);
    if (round % 2 == 0) at.reset("INIT");
    const std::int64_t before = at.revision();
    const Words words{"task-run", "--id", id, "--cmd", "echo " + id + " >> \"$HOME/started\""};
    const auto answers = at.race(words, words);
    for (const auto& answer : answers) CHECK(answer.code == 0);
    CHECK(flag_at(answers[0].data(), "created") != flag_at(answers[1].data(), "created"));
    CHECK(at.revision() == before + (round % 2 == 0 ? 1 : 0));
    CHECK(reaches(at.space, id, "success"));
    CHECK(at.started(id) == 1);
  }
}

TEST_CASE("task-run of one id and two commands: one runs, the other is told that it exists") {
  Race at;
  for (int round = 0; round < 40; ++round) {
    INFO("round " << round);
    const std::string id = "t" + std::to_string(round);
    const auto words = [&](const std::string& which) {
      return Words{"task-run", "--id", id, "--cmd", "echo " + id + which + " >> \"$HOME/started\""};
    };
    const auto answers = at.race(words("a"), words("b"));
    const std::size_t won = answers[0].code == 0 ? 0 : 1;
    CHECK(answers[won].code == 0);
    CHECK(answers[1 - won].code == 8);
    CHECK(contains(text_at(answers[1 - won].error(), "message"), id));
    CHECK(reaches(at.space, id, "success"));
    CHECK(at.started(id + (won == 0 ? "a" : "b")) == 1);
    CHECK(at.started(id + (won == 0 ? "b" : "a")) == 0);
  }
}

TEST_CASE("pod-up twice moves the state once; two resets are two changes") {
  Race at;
  for (int round = 0; round < 20; ++round) {
    INFO("round " << round);
    at.reset("INIT");
    const std::int64_t before = at.revision();
    for (const auto& answer : at.race({"pod-up"}, {"pod-up"})) CHECK(answer.code == 0);
    CHECK(at.state() == "POD_READY");
    CHECK(at.revision() == before + 1);
  }
  for (int round = 0; round < 20; ++round) {
    INFO("round " << round);
    const std::int64_t before = at.revision();
    const auto answers =
        at.race({"fsm-reset", "INIT", "--yes"}, {"fsm-reset", "CHECKED_OUT", "--yes"});
    for (const auto& answer : answers) CHECK(answer.code == 0);
    CHECK(at.revision() == before + 2);
    CHECK((at.state() == "INIT" || at.state() == "CHECKED_OUT"));
  }
}

TEST_CASE("sweep-start of one manifest: one campaign; of two: the loser is told whose it is") {
  Race at;
  at.ready();
  (void)at.space.data({"checkout"});
  for (int round = 0; round < 30; ++round) {
    INFO("round " << round);
    const bool same = round % 2 == 0;
    const std::string id = "r" + std::to_string(round);
    at.manifest("one.csv", {id + "a", id + "c"}, "exec sleep 1000");
    at.manifest("two.csv", {id + "b"}, "exec sleep 1000");
    const std::int64_t before = at.revision();
    const auto answers = at.race({"sweep-start", "--csv", "one.csv"},
                                 {"sweep-start", "--csv", same ? "one.csv" : "two.csv"});
    const std::size_t won = winner(answers);
    const Answer& lost = answers[1 - won];
    const std::string campaign = text_at(answers[won].data(), "campaign");
    REQUIRE(answers[won].code == 0);
    CHECK(at.revision() == before + 1);
    if (same) {
      CHECK(lost.code == 0);
      CHECK_FALSE(flag_at(lost.data(), "created", true));
      CHECK(text_at(lost.data(), "campaign") == campaign);
    } else {
      CHECK(lost.code == 5);
      CHECK(text_at(member(lost.error(), "holder"), "campaign") == campaign);
      CHECK(contains(text_at(lost.error(), "message"), campaign));
    }
    const std::string first = id + (same || won == 0 ? "a" : "b");
    CHECK(eventually_is([&] { return at.started(first); }, 1L));

    // Both want to end it: one does, and the other hears that it is so.
    for (const auto& answer : at.race({"sweep-stop", "--yes"}, {"sweep-stop", "--yes"})) {
      CHECK(answer.code == 0);
    }
    CHECK(at.state() == "CHECKED_OUT");
    CHECK(at.revision() == before + 2);
    CHECK(at.started(id + "a") + at.started(id + "b") + at.started(id + "c") == 1);
  }
}

TEST_CASE("steps: the same one is joined, another is busy with its holder named") {
  Race at;
  at.ready();
  for (int round = 0; round < 30; ++round) {
    INFO("round " << round);
    const Words pair[3] = {{"bootstrap"}, {"advance", "BOOTSTRAPPED"}, {"checkout"}};
    if (round % 3 == 1) at.reset("POD_READY");
    if (round % 3 == 2) at.reset("BOOTSTRAPPED");
    const auto answers = at.race({"bootstrap"}, pair[round % 3]);
    for (const auto& answer : answers) {
      INFO(answer.document.dump());
      CHECK((answer.code == 0 || (round % 3 == 2 && answer.code == 5)));
      if (answer.code != 5) continue;
      const Json& holder = member(answer.error(), "holder");
      CHECK(text_at(holder, "user") == "tester");
      CHECK(at.space.task(text_at(holder, "task_id")).is_object());
    }
    CHECK((answers[0].code == 0 || answers[1].code == 0));
    CHECK(member(at.space.state(), "lease").is_null());
    CHECK((at.state() == "BOOTSTRAPPED" || (round % 3 == 2 && at.state() == "CHECKED_OUT")));
  }
}
