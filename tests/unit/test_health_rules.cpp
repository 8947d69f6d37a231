#include <catch2/catch.hpp>

#include <cmath>

#include "sweep/health_rules.h"

using namespace workflow::sweep;

namespace {

constexpr std::int64_t second = 1000;
constexpr std::int64_t minute = 60 * second;

/// A run that is looked at every ten seconds of an injected clock.
class Patient {
 public:
  explicit Patient(HealthRules rules = {}) : health_(std::move(rules)) { look(); }

  /// Looks on for a while, after `live` has changed the signs each time; all findings.
  template <class Live>
  std::vector<Finding> pass(std::int64_t ms, Live live, std::int64_t step = 10 * second) {
    std::vector<Finding> all;
    for (const std::int64_t until = now_ + ms; now_ < until;) {
      now_ += step;
      live(signs_);
      for (auto& finding : look()) all.push_back(finding);
    }
    return all;
  }
  std::vector<Finding> pass(std::int64_t ms, std::int64_t step = 10 * second) {
    return pass(
        ms, [](Signs&) {}, step);
  }
  std::vector<Finding> tell(const std::vector<MetricPoint>& points) {
    signs_.points = points;
    signs_.metrics_bytes += 20;
    now_ += 10 * second;
    auto found = look();
    signs_.points.clear();
    return found;
  }
  void jump(std::int64_t ms) { now_ += ms; }

 private:
  std::vector<Finding> look() { return health_.judge(signs_, now_); }
  RunHealth health_;
  Signs signs_;
  std::int64_t now_ = 5'000'000;
};

/// `warn, stop`: what was found, in order.
std::string actions(const std::vector<Finding>& found) {
  std::string out;
  for (const auto& finding : found) {
    out += (out.empty() ? "" : ", ") + finding.cls + " " + std::string(name(finding.action));
  }
  return out;
}

MetricPoint point(double step, double value, const char* key = "loss") {
  return {key, value, step, "metrics.jsonl, byte 812"};
}

constexpr double not_finite = NAN;

}  // namespace

TEST_CASE("health: a run without any sign of life is stalled after RUN_STALL_SECS, not before") {
  Patient patient;
  CHECK(actions(patient.pass(30 * minute - 10 * second)).empty());
  const auto found = patient.pass(10 * second);
  REQUIRE(actions(found) == "stalled warn");
  CHECK(found[0].reason ==
        "no progress: nothing new in log and metrics, processor idle, for 30 min");
  CHECK(actions(patient.pass(120 * minute)).empty());
}

TEST_CASE("health: a warning comes first, then what the policy says, and that once") {
  for (const Action policy : {Action::retry, Action::stop}) {
    HealthRules rules;
    rules.on_stall = policy;
    Patient patient(rules);
    CHECK(actions(patient.pass(15 * minute - 10 * second)).empty());
    const auto warned = patient.pass(10 * second);
    REQUIRE(actions(warned) == "stalled warn");
    CHECK_THAT(warned[0].reason, Catch::Contains("; " + std::string(name(policy)) + " at 30 min"));
    CHECK(actions(patient.pass(15 * minute - 10 * second)).empty());
    CHECK(actions(patient.pass(10 * minute)) == "stalled " + std::string(name(policy)));
  }
}

TEST_CASE("health: slow but alive is not stalled") {
  HealthRules rules;
  rules.on_stall = Action::stop;
  SECTION("a line of log every fourteen minutes") {
    Patient patient(rules);
    int looks = 0;
    CHECK(actions(patient.pass(600 * minute, [&](Signs& signs) {
            if (++looks % 84 == 0) signs.log_bytes += 1;
          })).empty());
  }
  SECTION("a step of the metrics") {
    Patient patient(rules);
    for (int step = 0; step < 20; ++step) {
      CHECK(actions(patient.tell({point(step, 1)})).empty());
      CHECK(actions(patient.pass(14 * minute)).empty());
    }
  }
}

TEST_CASE("health: quiet but busy is not stalled") {
  HealthRules rules;
  rules.on_stall = Action::stop;
  Patient patient(rules);
  SECTION("a tenth of a core") {
    CHECK(actions(patient.pass(300 * minute, [](Signs& s) { s.cpu_ms += second; })).empty());
  }
  SECTION("a GPU") {
    CHECK(actions(patient.pass(300 * minute, [](Signs& s) { s.gpu_percent = 3; })).empty());
  }
  SECTION("a download") {
    CHECK(actions(patient.pass(300 * minute, [](Signs& s) { s.io_bytes += 2'000'000; })).empty());
  }
  SECTION("GPUs that do not answer any more prove nothing") {
    CHECK(actions(patient.pass(300 * minute, [](Signs& s) { s.gpu_unknown = true; })).empty());
  }
}

TEST_CASE("health: what a hung torchrun still does is no progress") {
  Patient patient;
  const auto found = patient.pass(30 * minute, [](Signs& s) {
    s.cpu_ms += 100;  // 1 % of a core
    s.io_bytes += 50'000;
    s.gpu_percent = 0;
  });
  REQUIRE(actions(found) == "stalled warn");
  CHECK_THAT(found[0].reason, Catch::Contains("processor and GPU idle"));
}

TEST_CASE("health: a collective that hangs is busy, and RUN_SILENT_SECS finds it") {
  HealthRules rules;
  rules.on_stall = Action::retry;
  rules.silent_ms = 120 * minute;
  Patient patient(rules);
  const auto spin = [](Signs& s) {
    s.cpu_ms += 80 * second;
    s.gpu_percent = 100;
  };
  CHECK(actions(patient.pass(59 * minute, spin)).empty());
  CHECK(actions(patient.pass(2 * minute, spin)) == "stalled warn");
  const auto found = patient.pass(60 * minute, spin);
  REQUIRE(actions(found) == "stalled retry");
  CHECK(found[0].reason == "busy, but nothing new in log and metrics for 2 h");
}

TEST_CASE("health: a warning is taken back when the run goes on, and counting begins anew") {
  HealthRules rules;
  rules.on_stall = Action::stop;
  Patient patient(rules);
  CHECK(actions(patient.pass(20 * minute)) == "stalled warn");
  const auto found = patient.pass(10 * second, [](Signs& s) { s.log_bytes += 1; });
  REQUIRE(actions(found) == "stalled clear");
  CHECK(found[0].reason == "goes on after 20 min");
  CHECK(actions(patient.pass(14 * minute)).empty());
  CHECK(actions(patient.pass(16 * minute)) == "stalled warn, stalled stop");
}

TEST_CASE("health: time in which nobody looked is no stall") {
  HealthRules rules;
  rules.on_stall = Action::stop;
  Patient patient(rules);
  SECTION("a machine that slept for a night") {
    patient.pass(10 * minute);
    patient.jump(9 * 60 * minute);
    CHECK(actions(patient.pass(4 * minute)).empty());
  }
  SECTION("a clock that went back") {
    patient.pass(14 * minute);
    patient.jump(-100 * minute);
    CHECK(actions(patient.pass(10 * second)).empty());
    CHECK(actions(patient.pass(minute)) == "stalled warn");
  }
  SECTION("an executor that looks once an hour") {
    CHECK(actions(patient.pass(20 * 60 * minute, 60 * minute)).empty());
  }
}

TEST_CASE("health: RUN_STALL_SECS=0 finds no stall") {
  HealthRules rules;
  rules.stall_ms = 0;
  Patient patient(rules);
  CHECK(actions(patient.pass(6000 * minute)).empty());
}

TEST_CASE("health: a loss that stays NaN is found with its step, and told once") {
  for (const Action policy : {Action::warn, Action::stop, Action::retry}) {
    HealthRules rules;
    rules.on_nan = policy;
    Patient patient(rules);
    CHECK(actions(patient.tell({point(48, 2.5), point(49, 2.4)})).empty());
    const auto found = patient.tell({point(50, not_finite), point(51, not_finite)});
    REQUIRE(actions(found) == "nan " + std::string(name(policy)));
    CHECK(found[0].reason == "loss is nan since step 50 (metrics.jsonl, byte 812)");
    CHECK(actions(patient.tell({point(52, not_finite)})).empty());
  }
  Patient patient;
  CHECK(actions(patient.tell({point(50, -INFINITY, "val/loss")})) == "nan warn");
}

TEST_CASE("health: one NaN that the training got over is only told") {
  HealthRules rules;
  rules.on_nan = Action::stop;
  Patient patient(rules);
  const auto found = patient.tell({point(50, not_finite), point(51, 2.4)});
  REQUIRE(actions(found) == "nan warn");
  CHECK(found[0].reason ==
        "loss was nan at step 50 (metrics.jsonl, byte 812), and is finite again");
  CHECK(actions(patient.tell({point(60, not_finite), point(61, 2.4)})).empty());
  CHECK(actions(patient.tell({point(70, not_finite)})) == "nan stop");
}

TEST_CASE("health: infinite gradients are the search for a loss scale, until there are too many") {
  HealthRules rules;
  rules.on_nan = Action::stop;
  Patient patient(rules);
  for (int step = 0; step < 16; ++step) {
    CHECK(actions(patient.tell({point(step, INFINITY, "grad_norm"), point(step, 2.0)})).empty());
  }
  CHECK(actions(patient.tell({point(16, 0.9, "grad_norm")})).empty());
  std::vector<MetricPoint> lasting(20, point(30, not_finite, "train/grad_norm"));
  CHECK(actions(patient.tell(lasting)) == "nan stop");
}

TEST_CASE("health: what is no loss, or begins as infinity, is not judged") {
  Patient patient;
  CHECK(actions(patient.tell({point(1, INFINITY, "best_val_loss"), point(1, INFINITY, "ppl"),
                              point(1, INFINITY, "loss_scale"), point(1, not_finite, "lr")}))
            .empty());
  HealthRules rules;
  rules.nan_keys = {"lr"};
  Patient other(rules);
  CHECK(actions(other.tell({point(1, not_finite)})).empty());
  CHECK(actions(other.tell({point(2, not_finite, "lr")})) == "nan warn");
}

TEST_CASE("health: a loss above its limit has diverged, a spike has not") {
  HealthRules rules;
  rules.on_nan = Action::stop;
  rules.loss_limit = 20;
  Patient patient(rules);
  CHECK(actions(patient.tell({point(1, 25), point(2, 30), point(3, 2)})).empty());
  CHECK(actions(patient.tell({point(4, 25.31), point(5, 30)})).empty());
  const auto found = patient.tell({point(6, 31)});
  REQUIRE(actions(found) == "nan stop");
  CHECK(found[0].reason ==
        "loss is 25.31, above RUN_LOSS_LIMIT 20, since step 4 (metrics.jsonl, byte 812)");
}

TEST_CASE("health: an order carries class and reason, a record the action") {
  const Finding finding{3, "stalled", Action::retry, "no progress"};
  const auto order = order_of(finding);
  CHECK(order.as == "failed");
  CHECK(order.by == "executor");
  CHECK(order.cls == "stalled");
  CHECK(order.reason == "no progress");
  const auto record = health_json(finding, 0);
  CHECK(workflow::text_at(record, "action") == "retry");
  CHECK(workflow::text_at(record, "at") == "1970-01-01T00:00:00.000Z");
  CHECK(health_json({3, "stalled", Action::clear, "goes on"}, 0).is_null());
}
