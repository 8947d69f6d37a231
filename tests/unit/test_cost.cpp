// What a pod's hours cost each run: by GPUs and by time, and what was idle.
#include <catch2/catch.hpp>

#include "client/cost.h"

namespace workflow::test {
namespace {

constexpr std::int64_t hour = 3'600'000;

std::vector<double> shared(double price, double gpus, const std::vector<client::Use>& uses) {
  std::vector<double> out;
  for (const auto& one : client::share_cost(price, 0, 4 * hour, gpus, uses)) {
    out.push_back(one.usd);
  }
  return out;
}

void require(const std::vector<double>& got, const std::vector<double>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(wanted[i]));
}

}  // namespace

TEST_CASE("a pod on which nothing runs is idle", "[cost]") { require(shared(2, 1, {}), {8}); }

TEST_CASE("a run pays for its GPUs, and the others are idle", "[cost]") {
  require(shared(8, 4, {{"a", 0, 2 * hour, 1}, {"b", hour, 3 * hour, 2}}), {4, 8, 20});
}

TEST_CASE("without known GPUs the runs that go at once share evenly", "[cost]") {
  require(shared(1, 0, {{"a", 0, 2 * hour, 0}, {"b", hour, 4 * hour, 0}}), {1.5, 2.5, 0});
}

TEST_CASE("runs that share a GPU never cost more than the pod", "[cost]") {
  require(shared(1, 1, {{"a", 0, 4 * hour, 1}, {"b", 0, 4 * hour, 1}}), {2, 2, 0});
}

TEST_CASE("what a run did before the pod was rented costs nothing of it", "[cost]") {
  require(shared(1, 1, {{"old", -5 * hour, -hour, 1}, {"a", -hour, hour, 1}}), {0, 1, 3});
}

}  // namespace workflow::test
