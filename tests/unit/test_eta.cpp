#include <catch2/catch.hpp>

#include "common/clock.h"
#include "sweep/eta.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t now = 1'770'000'000'000;

RowState pending() { return {}; }

RowState took(double seconds) {
  RowState row;
  row.state = RunState::success;
  row.result = {{"seconds", seconds}};
  return row;
}

RowState runs(std::int64_t for_secs, Json metrics = Json::object()) {
  RowState row;
  row.state = RunState::running;
  row.started_at = utc_text(now - for_secs * 1000);
  row.result = {{"metrics", std::move(metrics)}};
  return row;
}

Json step(double at, double of) { return {{"step", at}, {"total_steps", of}}; }

}  // namespace

TEST_CASE("the rest of a sweep is told from what has ended and from what runs") {
  CHECK(eta_secs({}, now) == 0);
  CHECK(eta_secs({took(10)}, now) == 0);
  CHECK_FALSE(eta_secs({runs(5), pending()}, now));
  CHECK(eta_secs({took(100), runs(5), pending()}, now) == 200);
  CHECK(eta_secs({took(100), runs(90, step(90, 100)), pending()}, now) == 110);
  CHECK(eta_secs({took(100), runs(50, step(50, 100)), runs(50, step(50, 100))}, now) == 50);
  CHECK(eta_secs({runs(25, step(50, 200)), pending()}, now) == 175);
}

TEST_CASE("steps that tell nothing leave a row as not begun") {
  for (const Json& metrics :
       {Json{{"step", 5}}, step(5, 0), step(-5, 10), Json{{"step", "5"}, {"total_steps", 10}}}) {
    INFO(metrics.dump());
    CHECK(eta_secs({took(100), runs(50, metrics)}, now) == 100);
  }
  CHECK(eta_secs({took(100), runs(50, step(20, 10))}, now) == 0);
}

}  // namespace workflow::sweep
