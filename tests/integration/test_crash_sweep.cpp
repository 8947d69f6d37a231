// sweep-start and sweep-stop, with each of their processes killed at every call.
#include "tests/support/crash_rounds.h"
#include "tests/support/quick_python.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// What every row does: says that it began, that it alone is at work, three lines, and its end.
constexpr const char* row_command =
    "TRAIN_COMMAND_TEMPLATE='echo \"$RUN_ID\" >> \"$HOME/started\"; exec "
    "9>\"$HOME/alone-$RUN_ID\"; "
    "flock -n 9 || echo \"$RUN_ID\" >> \"$HOME/doubled\"; "
    "echo \"line 1\"; echo \"line 2\"; echo \"line 3\"; "
    "eval \"$OVERRIDES\"; echo \"$RUN_ID\" >> \"$HOME/finished\"'\n"
    "SWEEP_MAX_CONSECUTIVE_FAILURES=0\nSWEEP_MAX_RETRIES=0\n";
constexpr const char* whole_log = "line 1\nline 2\nline 3\n";

/// What bootstrap finds must stay there, or the evidence says that it is gone.
const QuickPython& quick_python() {
  static const QuickPython python;
  return python;
}

class SweepSpace : public CrashSpace {
 public:
  SweepSpace() : CrashSpace(quick_python().setting() + row_command) {
    make_repo({{"README", "nothing but a repository\n"}});
    check_out();
  }

  void rows(int round, const std::string& command) {
    std::vector<TestRow> rows;
    ids_.clear();
    for (const char* name : {"a", "b"}) {
      ids_.push_back("r" + std::to_string(round) + name);
      rows.push_back({.run_id = ids_.back(), .command = command});
    }
    write("sweep.csv", manifest_text(rows));
  }

  [[nodiscard]] const std::vector<std::string>& ids() const { return ids_; }
  [[nodiscard]] fs::path run_dir(const std::string& id) const { return outputs() / id; }

  [[nodiscard]] long noted(const std::string& file, const std::string& id) const {
    const auto notes = split(real_files().read(home() / file).value_or(""), '\n');
    return std::count(notes.begin(), notes.end(), id);
  }

  /// The records of a run's attempts, oldest first, the one in its place last.
  [[nodiscard]] std::vector<Json> attempts(const std::string& id) const {
    std::vector<Json> all;
    const auto add = [&](const fs::path& dir) {
      const auto bytes = real_files().read(dir / "status.json");
      if (bytes) all.push_back(parse_json(*bytes, "status.json"));
    };
    for (const auto& name : real_files().list(run_dir(id) / "attempts")) {
      add(run_dir(id) / "attempts" / name);
    }
    add(run_dir(id));
    return all;
  }

  /// Every start is recorded as an attempt, a success is the last of them and is true, and no two
  /// were at work at once.
  void check_runs() const {
    CHECK_FALSE(fs::exists(home() / "doubled"));
    for (const auto& id : ids_) {
      const auto records = attempts(id);
      INFO(id << ": " << Json(records).dump());
      CHECK(noted("started", id) <= static_cast<long>(records.size()));
      for (const auto& record : records) {
        const bool success = text_at(record, "state") == "success";
        if (success) CHECK(&record == &records.back());
        if (success) CHECK(noted("finished", id) > 0);
      }
      const bool unhurt = !records.empty() && text_at(records.back(), "state") == "success";
      if (unhurt) CHECK(read_file(run_dir(id) / "stdout.log") == whole_log);
    }
  }

  [[nodiscard]] bool all_ok() const {
    return std::all_of(ids_.begin(), ids_.end(), [this](const std::string& id) {
      const auto records = attempts(id);
      return !records.empty() && text_at(records.back(), "state") == "success";
    });
  }

 private:
  std::vector<std::string> ids_;
};

class SweepStart final : public CrashScenario {
 public:
  [[nodiscard]] const Workspace& space() const override { return space_; }

  std::vector<std::string> begin(int round) override {
    space_.rows(round, "true");
    (void)space_.data({"fsm-reset", "CHECKED_OUT", "--yes"});
    return {"sweep-start"};
  }

  void check_quiet() override {
    space_.check_runs();
    const Json seen = space_.data({"fsm-status"});
    INFO(seen.dump());
    const std::string state = text_at(seen, "state");
    CHECK(state != "SWEEP_RUNNING");
    const bool ended = state == "SWEEP_COMPLETED";
    if (ended) {
      for (const auto& id : space_.ids()) CHECK_FALSE(space_.attempts(id).empty());
    }
  }

  void finish(const CrashPoint& point, const std::string&) override {
    // A run that was lost or killed runs again with the next start, and no other does.
    const bool hits_runs = point.role == Role::supervisor || point.role == Role::command;
    for (int starts = 1; starts == 1 || !space_.all_ok(); ++starts) {
      INFO("start " << starts);
      REQUIRE(starts <= (hits_runs ? 4 : 3));
      const Captured again = space_.run({"sweep-start"});
      INFO(again.err << again.out);
      CHECK(again.status.code == 0);
      std::string state;
      REQUIRE(eventually([&] {
        state = text_at(space_.data({"fsm-status"}), "state");
        return state != "SWEEP_RUNNING";
      }));
      CHECK((state == "SWEEP_COMPLETED" || state == "SWEEP_STALLED"));
    }
    space_.check_runs();
    for (const auto& id : space_.ids()) {
      CHECK(space_.noted("started", id) <= (hits_runs ? 2 : 1));
    }
    CHECK(text_at(space_.data({"fsm-status"}), "state") == "SWEEP_COMPLETED");
  }

 private:
  SweepSpace space_;
};

/// A sweep of one row that goes on for ever and one that waits, being stopped.
class SweepStop final : public CrashScenario {
 public:
  [[nodiscard]] const Workspace& space() const override { return space_; }

  std::vector<std::string> begin(int round) override {
    space_.rows(round, "sleep 1000");
    (void)space_.data({"sweep-start"});
    REQUIRE(eventually([&] { return space_.noted("started", space_.ids()[0]) == 1; }));
    return {"sweep-stop", "--yes"};
  }

  void check_quiet() override {
    const Json seen = space_.data({"fsm-status"});
    INFO(seen.dump());
    CHECK(text_at(seen, "state") != "SWEEP_COMPLETED");
  }

  void finish(const CrashPoint&, const std::string&) override {
    const Captured again = space_.run({"sweep-stop", "--yes"});
    INFO(again.err << again.out);
    CHECK(again.status.code == 0);
    CHECK(text_at(space_.state(), "state") == "CHECKED_OUT");
    CHECK(text_at(space_.data({"fsm-status"}), "state") == "CHECKED_OUT");
    const Json status = space_.data({"sweep-status", "--all"});
    INFO(status.dump());
    const Json& counts = member(status, "counts");
    CHECK(number_at(counts, "stopped") == 1);
    CHECK(number_at(counts, "cancelled") == 1);
    CHECK(space_.noted("started", space_.ids()[1]) == 0);
    CHECK_FALSE(fs::exists(space_.home() / "doubled"));
  }

 private:
  SweepSpace space_;
};

}  // namespace

TEST_CASE("sweep-start, killed anywhere: no finished row is repeated, none runs twice at once") {
  SweepStart scenario;
  CHECK(CrashRounds(scenario, 12).run() > 10);
}

TEST_CASE(
    "sweep-stop, killed anywhere: the same command ends the sweep, which is never completed") {
  SweepStop scenario;
  CHECK(CrashRounds(scenario, 6).run() > 10);
}
