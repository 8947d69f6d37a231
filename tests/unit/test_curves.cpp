#include <catch2/catch.hpp>

#include <cmath>

#include "sweep/curves.h"
#include "tests/support/scratch.h"

using namespace workflow;
using namespace workflow::sweep;
using namespace workflow::test;

namespace {

std::string line(int step, const std::string& loss) {
  return "{\"step\":" + std::to_string(step) + ",\"loss\":" + loss + "}\n";
}

/// The highest value of a curve, its gaps passed over.
double highest(const Json& curve) {
  double top = -INFINITY;
  for (const auto& point : curve) {
    if (point[1].is_number()) top = std::max(top, point[1].get<double>());
  }
  return top;
}

}  // namespace

TEST_CASE("a short curve is told as it is, in the order it came") {
  Curve curve(100);
  for (int i = 0; i < 100; ++i) curve.add(i * 10, i == 7 ? std::nullopt : std::optional(i * 0.5));
  const Json json = curve.json();
  REQUIRE(json.size() == 100);
  CHECK(json[3] == Json({30.0, 1.5}));
  CHECK(json[7] == Json({70.0, nullptr}));
}

TEST_CASE("a long curve keeps its limit, its ends, its spikes and its gaps") {
  for (const std::size_t limit : {7U, 24U, 240U}) {
    for (const int count : {7, 241, 1000, 100'003}) {
      INFO(limit << " of " << count);
      Curve curve(limit);
      const int spike = count / 3;
      const int gap = count / 2;
      for (int i = 0; i < count; ++i) {
        curve.add(i, i == gap ? std::nullopt : std::optional(i == spike ? 1e6 : 1.0 + i % 3));
      }
      const Json json = curve.json();
      CHECK(json.size() <= limit);
      CHECK(highest(json) == 1e6);
      CHECK(json.back()[0].get<double>() == count - 1);
      CHECK(std::any_of(json.begin(), json.end(), [&](const Json& p) { return p[1].is_null(); }));
      for (std::size_t i = 1; i < json.size(); ++i) {
        CHECK(json[i - 1][0].get<double>() < json[i][0].get<double>());
      }
    }
  }
}

TEST_CASE("steps, times and words are no metrics; NaN is null; keys are limited") {
  Curves curves({.points = 10, .keys = 2});
  curves.take(metrics_object(
      R"({"global_step": 5, "time": 99, "note": "hi", "loss": NaN, "lr": 0.1, "third": 1})"));
  curves.take(metrics_object(R"({"global_step": 6, "loss": 2, "lr": -Infinity})"));
  CHECK(dump_json(curves.json()) ==
        R"({"loss":[[5.0,null],[6.0,2.0]],"lr":[[5.0,0.1],[6.0,null]]})");
  CHECK(dump_json(curves.last()) == R"({"global_step":6,"time":99,"loss":2,"lr":null})");
  curves.take(metrics_object("[1]"));
  CHECK(curves.json()["loss"].size() == 2);
  Curves without;
  without.take({{"loss", 1.0}});
  without.take({{"loss", 2.0}});
  CHECK(dump_json(without.json()) == R"({"loss":[[0.0,1.0],[1.0,2.0]]})");
}

TEST_CASE("a metrics file is read on where it was, torn lines and other files noticed") {
  const Scratch scratch;
  const fs::path file = scratch / "metrics.jsonl";
  Files& files = real_files();
  CurveReader reader(file);
  CHECK_FALSE(reader.read());
  files.append(file, line(1, "3.0") + "{\"step\":2,\"lo");
  CHECK(reader.read());
  CHECK(dump_json(reader.curves().json()) == R"({"loss":[[1.0,3.0]]})");
  CHECK_FALSE(reader.read());
  files.append(file, "ss\":2.0}\nno json\n" + std::string(200'000, 'x') + "\n" + line(3, "NaN"));
  CHECK(reader.read());
  CHECK(dump_json(reader.curves().json()) == R"({"loss":[[1.0,3.0],[2.0,2.0],[3.0,null]]})");
  files.rename(file, scratch / "aside");
  files.append(file, line(1, "9.0"));
  CHECK(reader.read());
  CHECK(dump_json(reader.curves().json()) == R"({"loss":[[1.0,9.0]]})");
  CHECK(reader.curves().json() == read_curves(files, scratch.path()));
}

TEST_CASE("what a reader holds does not grow with the file, and a call reads no more than asked") {
  const Scratch scratch;
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += line(i, std::to_string(1.0 / (i + 1)));
  real_files().append(scratch / "metrics.jsonl", text);
  CurveReader reader(scratch / "metrics.jsonl", {.points = 60});
  int calls = 0;
  while (reader.read(100'000)) ++calls;
  CHECK(calls == static_cast<int>((text.size() + 99'999) / 100'000));
  CHECK(reader.curves().json()["loss"].size() <= 60);
  CHECK(reader.curves().json() == read_curves(real_files(), scratch.path(), {.points = 60}));
}

TEST_CASE("lines are read by whatever makes objects of them") {
  const Scratch scratch;
  real_files().append(scratch / "stdout.log", "a 1\nnothing\na 2\n");
  CurveReader reader(scratch / "stdout.log", {}, [](std::string_view line) {
    return line.starts_with("a ") ? Json({{"a", line.back() - '0'}}) : Json();
  });
  CHECK(reader.read());
  CHECK(dump_json(reader.curves().json()) == R"({"a":[[0.0,1.0],[1.0,2.0]]})");
}

TEST_CASE("the loss is found by its name") {
  CHECK(loss_like({{"lr", 1}, {"val_loss", 1}, {"loss", 1}}) == "loss");
  CHECK(loss_like({{"eval_loss", 1}, {"val_loss", 1}, {"Train_Loss_avg", 1}}) == "Train_Loss_avg");
  CHECK(loss_like({{"val_loss", 1}, {"accuracy", 1}}) == "val_loss");
  CHECK(loss_like({{"accuracy", 1}}).empty());
  CHECK(loss_like(nullptr).empty());
}
