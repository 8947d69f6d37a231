#include <catch2/catch.hpp>

#include <csignal>
#include <iostream>
#include <random>

#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// Passes the time without sleeping, so that a moment is a moment.
void spin(std::int64_t microseconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  while (std::chrono::steady_clock::now() < until) {
  }
}

std::vector<TestRow> quick_rows(int count) {
  std::vector<TestRow> rows;
  for (int i = 0; i < count; ++i) rows.push_back({.run_id = "row-" + std::to_string(i)});
  return rows;
}

}  // namespace

TEST_CASE("kill -9 of the executor at fifty moments: every row ends exactly once") {
  constexpr int moments = 50;
  constexpr int rows = 250;
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> microseconds(0, 60'000);

  const Sweeps sweeps("SWEEP_SLOTS=3\n");
  sweeps.manifest(quick_rows(rows));
  int killed = 0;
  std::string campaign;
  for (int moment = 0; moment < moments; ++moment) {
    const Json started = sweeps.start();
    if (campaign.empty()) campaign = text_at(started, "campaign");
    REQUIRE(text_at(started, "campaign") == campaign);
    const std::string task = text_at(started, "task_id");
    REQUIRE(eventually([&] { return number_at(sweeps.space.task(task), "pid") > 0; }));
    const int wait = microseconds(random);
    spin(wait);
    const pid_t executor = Sweeps::command_of(sweeps.space.task(task));
    INFO("seed " << seed << ", moment " << moment << ": after " << wait << " us");
    if (!process_lives(executor)) break;  // the sweep was quicker
    Sweeps::kill_hard(executor);
    killed += 1;
  }
  CHECK(killed == moments);
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == rows);
  for (const TestRow& row : quick_rows(rows)) {
    INFO(row.run_id);
    CHECK(sweeps.starts(row.run_id) == 1);
  }
}
