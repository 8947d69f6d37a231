// A disk that fails at the n-th call, and clients that race.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "tests/support/scratch.h"
#include "tests/support/state_desk.h"

namespace workflow::test {
namespace {

using fsm::Event;
using fsm::State;

/// The log holds every revision, each once.
void check_log(StateDesk& desk) {
  std::set<std::int64_t> seen;
  for (const auto& line : desk.log()) CHECK(seen.insert(number_at(line, "revision")).second);
  CHECK(std::int64_t(seen.size()) == desk.record().revision);
}

/// Adds one to a counter `rounds` times, each time on the revision that was read.
bool count_up(const fs::path& dir, int rounds) {
  FlakyFiles files;
  const HandClock clock;
  tasks::StateKeeper keeper(files, clock, dir / "workflow_state.json", dir / "workflow_log.jsonl");
  for (int done = 0; done < rounds;) {
    tasks::Ask ask = StateDesk::ask(Event::bootstrap);
    const auto seen = keeper.load();
    ask.if_revision = seen.revision;
    ask.effect = [&](tasks::StateRecord& record) {
      record.claims["count"] = number_at(seen.claims, "count") + 1;
    };
    try {
      keeper.advance(ask, [](const tasks::StateRecord&) { return tasks::Evidence{}; });
      ++done;
    } catch (const Error& error) {
      if (error.code() != Code::busy) return false;
    }
  }
  return true;
}

void check_counted(StateDesk& desk, int total) {
  CHECK(number_at(desk.record().claims, "count") == total);
  CHECK(desk.record().revision == total + 1);
  const auto log = desk.log();
  REQUIRE(log.size() == std::size_t(total) + 1);
  for (std::size_t i = 0; i < log.size(); ++i) {
    CHECK(number_at(log[i], "revision") == std::int64_t(i) + 1);
  }
}

}  // namespace

TEST_CASE("wherever the disk fails, a move is made or it is not, and repeating it ends well") {
  const auto when = GENERATE(FlakyFiles::When::before, FlakyFiles::When::after);
  const bool leased = GENERATE(false, true);
  bool failed = true;
  for (int n = 1; failed; ++n) {
    INFO("call " << n);
    REQUIRE(n < 50);
    StateDesk desk;
    desk.reset(State::bootstrapped);
    tasks::Ask ask = StateDesk::ask(Event::checkout);
    if (leased) ask.lease_task = "checkout-2";
    desk.files.fail(n, when);
    const auto error = desk.refusal(ask);
    failed = desk.files.has_failed();
    desk.files.heal();
    const auto now = desk.record();
    const bool moved = leased ? now.lease.has_value() : now.state == State::checked_out;
    if (error) CHECK(failed);
    // A line of the log that was not written does not make the move look undone.
    if (when == FlakyFiles::When::before) CHECK(error.has_value() == !moved);
    CHECK((error.has_value() || moved));
    CHECK(now.revision == (moved ? 2 : 1));
    if (!moved) CHECK(now.state == State::bootstrapped);
    if (!failed) CHECK(moved);
    if (leased) {
      desk.evidence.lease_holder = tasks::Liveness::gone;
      desk.advance(ask);
      CHECK(desk.record().lease);
      desk.keeper().settle_lease("checkout-2", true, "done");
    } else {
      desk.advance(ask);
    }
    CHECK(desk.record().state == State::checked_out);
    desk.advance(Event::bootstrap);  // a line that the fault cost is written with the next change
    CHECK(desk.record().state == State::bootstrapped);
    check_log(desk);
  }
}

TEST_CASE("wherever the disk fails, a lease is settled or it is not") {
  const auto when = GENERATE(FlakyFiles::When::before, FlakyFiles::When::after);
  bool failed = true;
  for (int n = 1; failed; ++n) {
    INFO("call " << n);
    REQUIRE(n < 50);
    StateDesk desk;
    desk.reset(State::bootstrapped);
    desk.lease(Event::checkout, "checkout-2");
    desk.files.fail(n, when);
    try {
      desk.keeper().settle_lease("checkout-2", true, "done");
    } catch (const Error&) {
    }
    failed = desk.files.has_failed();
    desk.files.heal();
    CHECK(desk.record().lease.has_value() == (desk.record().state == State::bootstrapped));
    desk.evidence.lease_holder = tasks::Liveness::gone;
    desk.evidence.lease_succeeded = true;
    CHECK(desk.advance(Event::pod_status).after.state == State::checked_out);
    desk.advance(Event::bootstrap);
    check_log(desk);
  }
}

TEST_CASE("wherever the disk fails, a reset loses no byte of a foreign record") {
  const auto when = GENERATE(FlakyFiles::When::before, FlakyFiles::When::after);
  const std::string foreign = "somebody else's bytes";
  bool failed = true;
  for (int n = 1; failed; ++n) {
    INFO("call " << n);
    REQUIRE(n < 50);
    StateDesk desk;
    desk.put(desk.state_file(), foreign);
    desk.files.fail(n, when);
    tasks::Ask ask = StateDesk::ask(Event::fsm_reset);
    ask.chosen = State::pod_ready;
    (void)desk.refusal(ask);
    failed = desk.files.has_failed();
    desk.files.heal();
    // Either the foreign bytes are still in their place, or the new record is.
    if (read_file(desk.state_file()) != foreign) CHECK(desk.record().state == State::pod_ready);
    desk.reset(State::pod_ready);
    CHECK(desk.record().state == State::pod_ready);
    bool kept = false;
    for (const auto& [name, bytes] : desk.bytes()) kept = kept || bytes == foreign;
    CHECK(kept);
  }
}

TEST_CASE("four threads race and lose no update") {
  StateDesk desk;
  desk.reset(State::bootstrapped);
  std::vector<int> good(4, 0);
  {
    std::vector<std::jthread> threads;
    for (int& one : good) {
      threads.emplace_back(
          [&desk, &one] { one = count_up(desk.state_file().parent_path(), 50) ? 1 : 0; });
    }
  }
  CHECK(good == std::vector<int>(4, 1));
  check_counted(desk, 200);
}

TEST_CASE("four processes race and lose no update") {
  StateDesk desk;
  desk.reset(State::bootstrapped);
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(count_up(desk.state_file().parent_path(), 50) ? 0 : 1);
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = -1;
    CHECK(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
  }
  check_counted(desk, 200);
}

TEST_CASE("a file where the outputs directory should be is no record of INIT") {
  const Scratch scratch;
  real_files().write(scratch / "outputs", "a file");
  const HandClock clock;
  const fs::path control = scratch / "outputs" / "_control";
  const tasks::StateKeeper keeper(real_files(), clock, control / "workflow_state.json",
                                  control / "workflow_log.jsonl");
  try {
    (void)keeper.load();
    FAIL("it was taken for INIT");
  } catch (const Error& error) {
    CHECK(error.code() == Code::precondition);
    CHECK(std::string(error.what()).find("outputs' is no directory") != std::string::npos);
  }
}

}  // namespace workflow::test
