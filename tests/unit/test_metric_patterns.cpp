#include <catch2/catch.hpp>

#include <cmath>
#include <map>

#include "common/clock.h"
#include "common/json.h"
#include "sweep/run_metrics.h"

using namespace workflow;
using namespace workflow::sweep;

namespace {

std::map<std::string, double> told(const char* setting, std::string_view line) {
  std::map<std::string, double> out;
  for (const auto& [key, value] : MetricPatterns(setting).values(line)) out[key] = value;
  return out;
}

std::string fault(const char* setting) { return metric_patterns_fault(setting).value_or("good"); }

using Told = std::map<std::string, double>;

}  // namespace

TEST_CASE("metric patterns: a name alone is that word before a number") {
  CHECK(told("step; loss", "step 10 | loss 0.512, lr 1e-3") == Told{{"step", 10}, {"loss", 0.512}});
  CHECK(told("loss", "loss: 2.5") == Told{{"loss", 2.5}});
  CHECK(told("loss", "Epoch 1 loss=-.5]") == Told{{"loss", -0.5}});
  CHECK(told("loss;grad_norm", "{'loss': 2.3, 'grad_norm': 1e+2}") ==
        Told{{"loss", 2.3}, {"grad_norm", 100}});
  CHECK(told("train/loss", "train/loss : 3") == Told{{"train/loss", 3}});
  CHECK(told("v.loss", "v.loss 3; vxloss 4") == Told{{"v.loss", 3}});
  // Neither a part of a word nor a word without a number.
  CHECK(told("loss", "val_loss 2").empty());
  CHECK(told("loss", "loss: nancy 3, the loss of 3").empty());
  CHECK(std::isnan(told("loss", "step 5 loss NaN").at("loss")));
  CHECK(told("loss", "loss=-inf").at("loss") == -INFINITY);
}

TEST_CASE("metric patterns: words, and expressions with groups") {
  CHECK(told("loss=train loss", "val loss 3 train loss 2") == Told{{"loss", 2}});
  CHECK(told(R"(step=step (\d+); loss=loss[ :=]+([0-9.eE+-]+|nan|inf))", "step 7: loss = 1.5e-2") ==
        Told{{"step", 7}, {"loss", 0.015}});
  // The first group that is a number; alternatives may stand in brackets too.
  CHECK(told(R"(loss=(train|val) loss is ([0-9]+(\.[0-9]+)?))", "val loss is 4.25") ==
        Told{{"loss", 4.25}});
  CHECK(told(R"(x=(?:10|20)\s+([\d.]+))", "20\t4.5") == Told{{"x", 4.5}});
  CHECK(told(R"(x=a\;([^\;]+)\;; y)", "a;3; y 4") == Told{{"x", 3}, {"y", 4}});
  CHECK(told(R"(x=\[(\w+)\])", "[word]").empty());
  CHECK(told("", "loss 3").empty());
  CHECK(MetricPatterns(" ; ;").empty());
}

TEST_CASE("metric patterns: a fault names the setting, the column and the metric") {
  CHECK(fault("step; loss=loss ([0-9") == "METRIC_PATTERNS, column 7: 'loss': '[' is never closed");
  CHECK(fault("a; =x") ==
        "METRIC_PATTERNS, column 4: '' is no name of a metric: letters, digits, _ . / -");
  CHECK(fault("train loss") ==
        "METRIC_PATTERNS, column 1: 'train loss' is no name of a metric: letters, digits, _ . / -");
  CHECK(fault("loss=") == "METRIC_PATTERNS, column 1: 'loss': nothing after '='");
  CHECK_THAT(fault("loss=.*?(x)"), Catch::Contains("'loss': '*?' repeats as little as possible"));
  CHECK_THAT(fault("loss=(?<a>x)"), Catch::Contains("'(?<' is not known here"));
  CHECK_THAT(fault("loss=x\\"), Catch::Contains("'loss': it ends with '\\'"));
  CHECK_THAT(fault("loss=(x"), Catch::Contains("METRIC_PATTERNS, column 1: 'loss': "));
  CHECK_THAT(fault(R"(loss=[\]x])"), Catch::Contains("cannot stand within [ ]"));
  CHECK(fault("step; loss") == "good");
}

TEST_CASE("metric patterns: what a terminal shows, whatever colours and bars there are") {
  CHECK(plain_line("\x1b[1;32mloss\x1b[0m: 3\x07") == "loss: 3 ");
  CHECK(told("loss", "\x1b[32mloss\x1b[0m \x1b[1m0.5\x1b[0m") == Told{{"loss", 0.5}});
  const MetricPatterns patterns("step=\\| *(\\d+)/; loss");
  const Metrics bars = read_log_metrics(
      "start\n 10%|#   | 10/100 [00:01, loss=3.5]\r 20%|##  | 20/100 [00:02, loss=2.5]\r",
      patterns);
  CHECK(dump_json(bars.last) == R"({"step":20,"loss":2.5})");
  CHECK(dump_json(read_log_metrics("loss nan", patterns).last) == R"({"loss":null})");
}

TEST_CASE("metric patterns: neither a long line nor a hostile expression takes long") {
  const std::int64_t began = system_clock().steady_ms();
  const std::string many(8 << 20, 'a');
  CHECK(told("loss=(a+)+ ([0-9]+)", many).empty());
  CHECK(told("loss=((a|aa)*)*b([0-9]+)", std::string(4096, 'a')).empty());
  CHECK(told("loss", "loss 1 " + many + " loss 2") == Told{{"loss", 1}});
  CHECK(system_clock().steady_ms() - began < 5'000);
}
