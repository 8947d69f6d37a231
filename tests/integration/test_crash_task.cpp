// task-run, task-cancel and fsm-reset, with each of their processes killed at every call.
#include "tests/support/crash_rounds.h"
#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

namespace {

constexpr int lines = 4;

/// Prints numbered lines, and notes in files of its own how far it came.
std::string told_command(const std::string& id) {
  return "echo " + id + " >> \"$HOME/started\"; for i in 1 2 3 4; do echo \"line $i\"; echo $i > " +
         "\"$HOME/told-" + id + "\"; done; echo " + id + " >> \"$HOME/finished\"";
}

std::string whole_log() {
  std::string text;
  for (int i = 1; i <= lines; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

/// How often a command has added its id to a file in the home.
long noted(const Workspace& space, const std::string& file, const std::string& id) {
  const auto notes = split(real_files().read(space.home() / file).value_or(""), '\n');
  return std::count(notes.begin(), notes.end(), id);
}

/// What the record of a task may say, and what its log must hold.
void check_truth(const Workspace& space, const std::string& id) {
  const Json record = space.task(id);
  INFO(record.dump());
  const std::string state = text_at(record, "state");
  const bool finished = noted(space, "finished", id) > 0;
  CHECK(noted(space, "started", id) <= 1);
  if (state == "success") CHECK(finished);
  const bool killed = text_at(record, "signal") == "KILL";
  if (finished) CHECK((state == "success" || state == "lost" || state == "running" || killed));
  if (finished) CHECK(log_of(space, id) == whole_log());
  const std::string told = real_files().read(space.home() / ("told-" + id)).value_or("0");
  const auto at_least = parse_integer(trim(told)).value_or(0) * 7;
  CHECK(whole_log().rfind(log_of(space, id), 0) == 0);
  CHECK(static_cast<long long>(log_of(space, id).size()) >= at_least);
}

class TaskRun final : public CrashScenario {
 public:
  TaskRun() { (void)space_.data({"pod-up"}); }
  [[nodiscard]] const Workspace& space() const override { return space_; }

  std::vector<std::string> begin(int round) override {
    id_ = "t" + std::to_string(round);
    words_ = {"task-run", "--id", id_, "--cmd", told_command(id_)};
    (void)space_.data({"fsm-reset", "INIT", "--yes"});
    return words_;
  }

  void check_quiet() override {
    if (!fs::exists(space_.task_dir(id_))) {
      CHECK(noted(space_, "started", id_) == 0);
      return;
    }
    check_truth(space_, id_);
    const Json seen = space_.data({"task-status", id_});
    INFO(seen.dump());
    CHECK(text_at(seen, "state") != "running");
    CHECK(text_at(seen, "state") != "pending");
  }

  void finish(const CrashPoint& point, const std::string&) override {
    const Captured again = space_.run(words_);
    INFO(again.err << again.out);
    CHECK(again.status.code == 0);
    const auto waited = space_.run({"task-wait", id_}).status.code;
    const std::string state = text_at(space_.task(id_), "state");
    CHECK(waited == (state == "success" ? 0 : 1));
    check_truth(space_, id_);
    if (point.role != Role::supervisor && point.role != Role::command) CHECK(state == "success");
    if (state == "lost") CHECK(point.role == Role::supervisor);
  }

 private:
  CrashSpace space_;
  std::string id_;
  std::vector<std::string> words_;
};

/// A command that ends only when it is told to.
class TaskCancel final : public CrashScenario {
 public:
  [[nodiscard]] const Workspace& space() const override { return space_; }

  std::vector<std::string> begin(int round) override {
    id_ = "t" + std::to_string(round);
    (void)space_.data({"task-run", "--id", id_, "--", "sleep", "1000"});
    return {"task-cancel", id_};
  }

  void check_quiet() override {
    const std::string state = text_at(space_.data({"task-status", id_}), "state");
    CHECK((state == "running" || state == "cancelled"));
    if (state == "cancelled") CHECK_FALSE(process_lives(leader_of(space_, id_)));
  }

  void finish(const CrashPoint&, const std::string&) override {
    const Captured again = space_.run({"task-cancel", id_});
    INFO(again.err << again.out);
    CHECK(again.status.code == 0);
    CHECK(text_at(space_.task(id_), "state") == "cancelled");
    CHECK_FALSE(process_lives(leader_of(space_, id_)));
  }

 private:
  CrashSpace space_;
  std::string id_;
};

class Reset final : public CrashScenario {
 public:
  Reset() { (void)space_.data({"pod-up"}); }
  [[nodiscard]] const Workspace& space() const override { return space_; }

  std::vector<std::string> begin(int round) override {
    from_ = round % 2 == 0 ? "BOOTSTRAPPED" : "INIT";
    to_ = round % 2 == 0 ? "INIT" : "BOOTSTRAPPED";
    (void)space_.data({"fsm-reset", from_, "--yes"});
    return {"fsm-reset", to_, "--yes"};
  }

  void check_quiet() override {
    const std::string state = text_at(space_.state(), "state");
    CHECK((state == from_ || state == to_));
  }

  void finish(const CrashPoint&, const std::string&) override {
    const Captured again = space_.run({"fsm-reset", to_, "--yes"});
    INFO(again.err << again.out);
    CHECK(again.status.code == 0);
    CHECK(text_at(space_.state(), "state") == to_);
  }

 private:
  CrashSpace space_;
  std::string from_;
  std::string to_;
};

/// The target has never been met: the agent must be brought there first.
class FirstContact final : public CrashScenario {
 public:
  [[nodiscard]] const Workspace& space() const override { return space_; }

  std::vector<std::string> begin(int) override {
    fs::remove_all(space_.home() / ".cache");
    fs::remove_all(space_.home() / ".workflow");
    fs::remove_all(space_.outputs());
    return {"pod-up"};
  }

  void finish(const CrashPoint&, const std::string&) override {
    const Captured again = space_.run({"pod-up"});
    INFO(again.err << again.out);
    CHECK(again.status.code == 0);
    CHECK(text_at(space_.state(), "state") == "POD_READY");
    CHECK(read_file(space_.home() / ".workflow/pod_id").size() == 33);
  }

 private:
  CrashSpace space_;
};

}  // namespace

TEST_CASE("task-run, killed anywhere: started once, no byte lost, nothing claimed") {
  TaskRun scenario;
  CHECK(CrashRounds(scenario, 3).run() > 10);
}

TEST_CASE("task-cancel, killed anywhere: the same command ends the task") {
  TaskCancel scenario;
  CHECK(CrashRounds(scenario, 3).run() > 5);
}

TEST_CASE("fsm-reset, killed anywhere: the old state or the new one, and every change told") {
  Reset scenario;
  CHECK(CrashRounds(scenario, 2).run() > 5);
}

TEST_CASE("first contact, killed anywhere: the next contact brings the agent") {
  FirstContact scenario;
  CHECK(CrashRounds(scenario, 3).run() > 5);
}
