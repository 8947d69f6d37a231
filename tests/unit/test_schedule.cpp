#include <catch2/catch.hpp>

#include <string>

#include "sweep/retry_policy.h"
#include "sweep/schedule.h"

namespace workflow::sweep {
namespace {

using fsm::RunState;
using Names = std::vector<std::string>;

RowWish wants(const char* gpus, std::int64_t retries = 1) {
  return {parse_gpu_wish(gpus).value(), retries};
}

Schedule queued(std::vector<RowWish> rows, Names gpus = {}, std::int64_t failure_limit = 0) {
  const std::size_t count = rows.size();
  Schedule schedule(std::move(rows), failure_limit, GpuPool(std::move(gpus)));
  for (std::size_t i = 0; i < count; ++i) schedule.enqueue(i);
  return schedule;
}

/// The rows that start now, with their GPUs: `0:a,b 2:c`.
std::string starting(Schedule& schedule, std::int64_t now = 0) {
  std::string text;
  while (const auto start = schedule.next(now)) {
    text += (text.empty() ? "" : " ") + std::to_string(start->row) + ":";
    for (const auto& gpu : start->gpus) text += gpu;
  }
  return text;
}

AttemptEnd failed(std::int64_t attempt, const char* cls = "nccl") {
  return {RunState::failed, cls, attempt};
}

}  // namespace

TEST_CASE("rows start in order, as many as fit side by side") {
  Schedule schedule = queued({wants("1"), wants("2"), wants("1"), wants("1")}, {"a", "b", "c"});
  CHECK(starting(schedule) == "0:a 1:bc");
  CHECK_FALSE(schedule.ended(0, {}, 0));
  CHECK(starting(schedule) == "2:a");
  CHECK_FALSE(schedule.ended(1, {}, 0));
  CHECK(starting(schedule) == "3:b");
}

TEST_CASE("a row that does not fit is overtaken as often as there are GPUs, then by nobody") {
  Schedule schedule = queued(
      {wants("1"), wants("all"), wants("1"), wants("1"), wants("1"), wants("1")}, {"a", "b"});
  CHECK(starting(schedule) == "0:a 2:b");
  CHECK_FALSE(schedule.ended(0, {}, 0));
  CHECK(starting(schedule) == "3:a");
  CHECK_FALSE(schedule.ended(2, {}, 0));
  CHECK(starting(schedule).empty());  // two have gone before it: now it is its turn
  CHECK_FALSE(schedule.ended(3, {}, 0));
  CHECK(starting(schedule) == "1:ab");
  CHECK_FALSE(schedule.ended(1, {}, 0));
  CHECK(starting(schedule) == "4:a 5:b");
}

TEST_CASE("rows of a kind that takes longest go first, and those of an unknown kind before them") {
  std::vector<RowWish> rows;
  for (const char* kind : {"short", "long", "short", "long", "new"}) {
    rows.push_back({parse_gpu_wish("1").value(), 1, kind});
  }
  Schedule schedule = queued(rows, {"a"});
  CHECK(starting(schedule) == "0:a");
  schedule.learn(0, 10);
  schedule.learn(1, 100);
  std::string order;
  for (std::size_t going = 0; going < 5;) {
    CHECK_FALSE(schedule.ended(going, {}, 0));
    const std::string next = starting(schedule);
    order += next + " ";
    going = next.empty() ? 5 : static_cast<std::size_t>(next.front() - '0');
  }
  CHECK(order == "4:a 1:a 3:a 2:a  ");
}

TEST_CASE("nothing starts while the schedule is held, and a row that leaves the queue never") {
  Schedule schedule = queued({wants("1"), wants("1")}, {"a", "b"});
  schedule.hold(1000);
  CHECK(starting(schedule, 999).empty());
  CHECK(schedule.quiet_ms(400, 60'000) == 600);
  schedule.drop(0);
  CHECK(starting(schedule, 1000) == "1:a");
}

TEST_CASE("a row that joins later waits like the others") {
  Schedule schedule = queued({wants("1")}, {"a"});
  schedule.enqueue(schedule.add(wants("1")));
  CHECK(starting(schedule) == "0:a");
  CHECK_FALSE(schedule.ended(0, {}, 0));
  CHECK(starting(schedule) == "1:a");
}

TEST_CASE("64 equal rows on 8 GPUs take 8 rounds") {
  Schedule schedule =
      queued(std::vector<RowWish>(64, wants("1")), {"a", "b", "c", "d", "e", "f", "g", "h"});
  int rounds = 0;
  for (std::vector<std::size_t> going{0}; !going.empty(); ++rounds) {
    going.clear();
    while (const auto start = schedule.next(0)) going.push_back(start->row);
    for (const std::size_t row : going) CHECK_FALSE(schedule.ended(row, {}, 0));
  }
  CHECK(rounds - 1 == 8);
}

TEST_CASE("a schedule without GPUs starts one row at a time") {
  Schedule schedule = queued({wants("all"), wants("1")});
  CHECK(schedule.pool().size() == 0);
  CHECK(starting(schedule) == "0:");
  CHECK_FALSE(schedule.ended(0, {}, 0));
  CHECK(starting(schedule) == "1:");
}

TEST_CASE("a run that was found going keeps its GPUs from the others") {
  Schedule schedule({wants("1"), wants("1"), wants("1")}, 0, GpuPool({"a", "b"}));
  schedule.adopt(0, {"b"});
  schedule.enqueue(1);
  schedule.enqueue(2);
  CHECK(starting(schedule) == "1:a");
  CHECK_FALSE(schedule.ended(0, {}, 0));
  CHECK(starting(schedule) == "2:b");
}

TEST_CASE("every ending, class, limit and attempt is tried again as the policy says") {
  const RunState ends[] = {RunState::success,   RunState::failed,  RunState::timed_out,
                           RunState::cancelled, RunState::stopped, RunState::lost};
  const char* classes[] = {"oom_gpu", "oom_host", "nccl",    "cuda", "nan",    "assertion",
                           "import",  "data",     "network", "auth", "killed", "disk_full",
                           "lost",    "timeout",  "stalled", "exit", ""};
  for (const RunState state : ends) {
    for (const char* cls : classes) {
      for (const std::int64_t limit : {0, 1, 2}) {
        for (const std::int64_t attempt : {1, 2, 3}) {
          INFO(fsm::name(state) << " " << cls << ", attempt " << attempt << " of 1 + " << limit);
          Schedule schedule = queued({wants("1", limit)}, {"a"});
          REQUIRE(starting(schedule) == "0:a");
          const bool by_itself =
              state == RunState::failed || state == RunState::timed_out || state == RunState::lost;
          const auto policy = retry_wait_ms(cls, attempt, 1, limit);
          const auto wait = schedule.ended(0, {state, cls, attempt}, 100);
          CHECK(wait == (by_itself ? policy : std::nullopt));
          if (wait) CHECK(starting(schedule, 99 + *wait).empty());
          CHECK(starting(schedule, 100 + wait.value_or(1'000'000)) == (wait ? "0:a" : ""));
          const bool judged = by_itself && !wait;
          CHECK(schedule.streak().rows == (judged ? 1 : 0));
        }
      }
    }
  }
}

TEST_CASE("an end that was wanted again is one more attempt, whatever its class, in the budget") {
  Schedule schedule = queued({wants("1", 1)}, {"a"});
  REQUIRE(starting(schedule) == "0:a");
  const AttemptEnd nan{RunState::failed, "nan", 1, AttemptEnd::Again::yes};
  const auto wait = schedule.ended(0, nan, 0);
  REQUIRE(wait);
  REQUIRE(starting(schedule, *wait) == "0:a");
  CHECK_FALSE(schedule.ended(0, {RunState::failed, "nan", 2, AttemptEnd::Again::yes}, *wait));
}

TEST_CASE("a row that is tried again pauses, and the next ones do not wait for it") {
  Schedule schedule = queued({wants("all", 1), wants("all")}, {"a"});
  CHECK(starting(schedule, 1000) == "0:a");
  const std::int64_t pause = schedule.ended(0, failed(1), 1000).value();
  CHECK(pause == retry_wait_ms("nccl", 1, 1, 1));
  CHECK(schedule.quiet_ms(1000, 60'000) == pause);
  CHECK(schedule.quiet_ms(1000, 10) == 10);
  CHECK(starting(schedule, 1000) == "1:a");
  CHECK(starting(schedule, 1000 + pause) == "");
  CHECK(schedule.quiet_ms(1000 + pause, 60'000) == 60'000);  // only the GPU is missing
  CHECK_FALSE(schedule.ended(1, {}, 1000 + pause));
  CHECK(starting(schedule, 1000 + pause) == "0:a");
}

TEST_CASE("a row put back is no failure, and its GPUs are free meanwhile") {
  Schedule schedule = queued({wants("1"), wants("1")}, {"a"}, 1);
  CHECK(starting(schedule, 0) == "0:a");
  schedule.put_back(0, 0);
  CHECK(schedule.streak().rows == 0);
  CHECK_FALSE(schedule.breaker_open());
  CHECK(starting(schedule, 0) == "1:a");
  CHECK_FALSE(schedule.ended(1, {}, Schedule::pause_ms));
  CHECK(starting(schedule, Schedule::pause_ms) == "0:a");
}

TEST_CASE("the breaker opens at the limit, and a success begins to count anew") {
  for (const std::int64_t limit : {0, 1, 2, 3}) {
    INFO("limit " << limit);
    Schedule schedule = queued(std::vector<RowWish>(6, wants("all", 0)), {"a"}, limit);
    const std::string pattern = "fsfff";
    std::int64_t in_a_row = 0;
    bool open = false;
    for (std::size_t i = 0; i < pattern.size() && !open; ++i) {
      REQUIRE(starting(schedule) == std::to_string(i) + ":a");
      const bool ok = pattern[i] == 's';
      CHECK_FALSE(schedule.ended(i, ok ? AttemptEnd{} : failed(1), 0));
      in_a_row = ok ? 0 : in_a_row + 1;  // all of one class
      open = limit > 0 && in_a_row >= limit;
      CHECK(schedule.streak().rows == in_a_row);
      CHECK(schedule.breaker_open() == open);
    }
    CHECK(starting(schedule).empty() == open);
  }
}

TEST_CASE("the last rows may fail without a breaker: nothing is left to keep from starting") {
  Schedule schedule = queued({wants("all", 0)}, {"a"}, 1);
  CHECK(starting(schedule) == "0:a");
  schedule.failed_for_good(0, "exit");
  CHECK(schedule.streak().rows == 1);
  CHECK_FALSE(schedule.breaker_open());
}

TEST_CASE("an open breaker leaves nothing to wake up for") {
  Schedule schedule = queued({wants("1", 1), wants("1", 0), wants("1", 0)}, {"a", "b"}, 1);
  CHECK(starting(schedule, 0) == "0:a 1:b");
  CHECK(schedule.ended(0, failed(1), 0));
  schedule.failed_for_good(1, "exit");
  CHECK(schedule.breaker_open());
  CHECK(starting(schedule, Schedule::pause_ms) == "");
  CHECK(schedule.quiet_ms(60'000, 60'000) == 60'000);
}

}  // namespace workflow::sweep
