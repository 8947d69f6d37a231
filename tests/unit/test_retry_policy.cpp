#include <catch2/catch.hpp>

#include "sweep/retry_policy.h"

using namespace workflow::sweep;

TEST_CASE("what would end in the same way again is not tried again, whatever the budget") {
  for (const char* cls :
       {"assertion", "import", "data", "auth", "nan", "timeout", "exit", "", "x"}) {
    INFO(cls);
    CHECK_FALSE(retry_wait_ms(cls, 1, 1, 100));
    CHECK(spends_budget(cls));
  }
}

TEST_CASE("each class is tried again so often, within the row's budget") {
  const std::pair<const char*, std::int64_t> most[] = {
      {"oom_gpu", 1}, {"oom_host", 2}, {"nccl", 3}, {"cuda", 2},
      {"network", 5}, {"killed", 2},   {"lost", 3}, {"stalled", 2}};
  for (const auto& [cls, limit] : most) {
    for (std::int64_t budget = 0; budget <= 6; ++budget) {
      for (std::int64_t attempt = 1; attempt <= 8; ++attempt) {
        INFO(cls << ", attempt " << attempt << " of 1 + " << budget);
        const bool again = attempt <= budget && attempt <= limit;
        CHECK(retry_wait_ms(cls, attempt, attempt, budget).has_value() == again);
        // After another class the class counts anew, the budget does not.
        CHECK(retry_wait_ms(cls, attempt, 1, budget).has_value() == (attempt <= budget));
      }
    }
  }
}

TEST_CASE("waits grow to a limit") {
  std::vector<std::int64_t> network;
  for (std::int64_t n = 1; n <= 5; ++n) network.push_back(*retry_wait_ms("network", n, n, 9));
  CHECK(network == std::vector<std::int64_t>{15'000, 60'000, 240'000, 900'000, 900'000});
  CHECK(retry_wait_ms("killed", 1, 1, 1) == 5'000);
  CHECK(retry_wait_ms("lost", 3, 3, 9) == 5'000);
}

TEST_CASE("a full disk takes nothing from the row, and is not asked for ever") {
  CHECK_FALSE(spends_budget("disk_full"));
  CHECK(retry_wait_ms("disk_full", 1, 1, 0) == 15'000);
  CHECK(retry_wait_ms("disk_full", 7, 3, 1) == 240'000);
  CHECK_FALSE(retry_wait_ms("disk_full", 4, 4, 100));
}
