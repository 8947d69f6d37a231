#include <catch2/catch.hpp>

#include "sweep/metrics.h"

using namespace std::string_literals;
using workflow::dump_json;
using workflow::sweep::read_metrics;

TEST_CASE("metrics: the latest value of every key") {
  const auto m = read_metrics(
      "{\"step\":10,\"loss\":0.5}\r\n\n{\"step\":20,\"val\":{\"acc\":1}}\n{\"loss\":0.25}");
  CHECK(m.lines == 3);
  CHECK(m.bad == 0);
  CHECK(dump_json(m.last) == R"({"step":20,"loss":0.25,"val":{"acc":1}})");
}

TEST_CASE("metrics: torn and foreign lines are counted and passed over") {
  const auto m = read_metrics(
      "step 1 loss 2\n{\"step\":1}\n[1,2]\n7\nnull\n{\"a\":\"\xFF\"}\n\0\n{\"step\":2,\"lo"s);
  CHECK(m.lines == 1);
  CHECK(m.bad == 7);
  CHECK(dump_json(m.last) == R"({"step":1})");
  CHECK(read_metrics("").lines == 0);
  CHECK(dump_json(read_metrics("\n\n").last) == "{}");
}

TEST_CASE("metrics: what Python writes for NaN becomes null, outside strings only") {
  const auto m = read_metrics(
      "{\"loss\":NaN,\"a\":-Infinity,\"b\":[Infinity],\"s\":\"NaN \\\" -Infinity\",\"c\":-1}\n");
  CHECK(m.bad == 0);
  CHECK(dump_json(m.last) == R"({"loss":null,"a":null,"b":[null],"s":"NaN \" -Infinity","c":-1})");
  CHECK(read_metrics("{\"a\":Na}\n{\"a\":\"\\").bad == 2);
}

TEST_CASE("metrics: a hostile file costs little") {
  std::string many = "{";
  for (int i = 0; i < 3000; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  many.back() = '}';
  const auto m = read_metrics(many + "\n" + std::string(1 << 20, '[') + "\n{\"k1\":2,\"new\":1}\n" +
                              std::string(60000, '[') + "\n");
  CHECK(m.lines == 2);
  CHECK(m.bad == 2);
  CHECK(m.last.size() == 1000);
  CHECK(m.last["k1"] == 2);
}
