#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "tasks/keeper.h"
#include "tests/support/flaky_files.h"
#include "tests/support/scratch.h"

namespace workflow::test {

/// Stands still until a test moves it.
class HandClock final : public Clock {
 public:
  std::int64_t now = 1'770'000'000'000;
  [[nodiscard]] std::int64_t now_ms() const override { return now; }
  [[nodiscard]] std::int64_t steady_ms() const override { return now; }
};

/// A state of one's own on a scratch directory, with the evidence that is to be found there.
class StateDesk {
 public:
  FlakyFiles files;
  HandClock clock;
  tasks::Evidence evidence;

  [[nodiscard]] fs::path state_file() const { return scratch_ / "_control/workflow_state.json"; }
  [[nodiscard]] fs::path log_file() const { return scratch_ / "_control/workflow_log.jsonl"; }
  [[nodiscard]] tasks::StateKeeper keeper() { return {files, clock, state_file(), log_file()}; }

  [[nodiscard]] static tasks::Ask ask(fsm::Event event) {
    tasks::Ask ask;
    ask.event = event;
    ask.by = {"ana", "laptop", 41, "workflow test"};
    ask.reason = "a test asks";
    return ask;
  }
  tasks::Advanced advance(const tasks::Ask& ask) {
    clock.now += 1000;
    return keeper().advance(ask, [this](const tasks::StateRecord&) { return evidence; });
  }
  tasks::Advanced advance(fsm::Event event) { return advance(ask(event)); }
  tasks::Advanced reset(fsm::State state) {
    tasks::Ask wanted = ask(fsm::Event::fsm_reset);
    wanted.chosen = state;
    return advance(wanted);
  }
  /// Takes a lease for `task`.
  tasks::Advanced lease(fsm::Event event, const std::string& task) {
    tasks::Ask wanted = ask(event);
    wanted.lease_task = task;
    return advance(wanted);
  }
  /// The error that asking ends with; nothing when it does not.
  std::optional<Error> refusal(const tasks::Ask& ask) {
    try {
      advance(ask);
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }
  std::optional<Error> refusal(fsm::Event event) { return refusal(ask(event)); }

  [[nodiscard]] tasks::StateRecord record() { return keeper().load(); }
  [[nodiscard]] std::vector<Json> log() { return keeper().log(); }
  /// Every file of the control directory with its bytes; the lock has none.
  [[nodiscard]] std::map<std::string, std::string> bytes() const {
    std::map<std::string, std::string> all;
    for (const auto& name : real_files().list(state_file().parent_path())) {
      all[name] = read_file(state_file().parent_path() / name);
    }
    return all;
  }
  void put(const fs::path& path, const std::string& text) {
    real_files().make_dirs(path.parent_path());
    real_files().write(path, text, {.durable = false});
  }

 private:
  Scratch scratch_;
};

}  // namespace workflow::test
