#include <catch2/catch.hpp>

#include "sweep/gpus.h"

using namespace workflow::sweep;
using Names = std::vector<std::string>;

namespace {
GpuWish wish(const char* text) { return parse_gpu_wish(text).value(); }
}  // namespace

TEST_CASE("a wish for GPUs is all, N or a share of one") {
  CHECK(wish("").all);
  CHECK(wish("all").all);
  CHECK(wish("3").count == 3);
  CHECK(wish("1/2").share == 2);
  for (const char* text : {"0", "-1", "1/0", "1/65", "2/3", "x", "1.5", "1/", "/2"}) {
    INFO(text);
    CHECK_FALSE(parse_gpu_wish(text));
  }
}

TEST_CASE("whole GPUs are handed out once") {
  GpuPool pool({"0", "1", "2"});
  CHECK(pool.take(wish("1")) == Names{"0"});
  CHECK(pool.take(wish("2")) == Names{"1", "2"});
  CHECK_FALSE(pool.take(wish("1")));
  pool.give_back({"1", "2"}, wish("2"));
  CHECK(pool.take(wish("1")) == Names{"1"});
  CHECK_FALSE(pool.take(wish("all")));
}

TEST_CASE("all is every GPU, and more than there are is never given") {
  GpuPool pool({"4", "7"});
  CHECK(pool.take(wish("all")) == Names{"4", "7"});
  CHECK_FALSE(pool.take(wish("1")));
  pool.give_back({"4", "7"}, wish("all"));
  CHECK(pool.can_ever_fit(wish("2")));
  CHECK_FALSE(pool.can_ever_fit(wish("3")));
  CHECK_FALSE(pool.take(wish("3")));
  CHECK(pool.take(wish("1")) == Names{"4"});
}

TEST_CASE("a GPU that is left out is not given out, and what runs there goes on") {
  GpuPool pool({"0", "1", "2"});
  CHECK(pool.take(wish("1")) == Names{"0"});
  pool.leave_out({"0", "1", "unheard-of"});
  CHECK(pool.can_ever_fit(wish("3")));
  CHECK_FALSE(pool.take(wish("2")));
  CHECK(pool.take(wish("all")) == Names{"2"});
  pool.give_back({"2"}, wish("all"));
  pool.give_back({"0"}, wish("1"));
  CHECK_FALSE(pool.take(wish("2")));
  pool.leave_out({"2"});
  CHECK(pool.take(wish("2")) == Names{"0", "1"});
  pool.leave_out({"0", "1", "2"});
  CHECK_FALSE(pool.take(wish("all")));
  CHECK_FALSE(pool.take(wish("1/2")));
  pool.leave_out({});
  CHECK(pool.take(wish("1/2")) == Names{"2"});
}

TEST_CASE("a machine without GPUs has as many slots as it is given, whatever is wished") {
  GpuPool pool({}, 3);
  CHECK(pool.can_ever_fit(wish("8")));
  CHECK(pool.take(wish("8")) == Names{});
  CHECK(pool.take(wish("all")) == Names{});
  CHECK(pool.take(wish("1/2")) == Names{});
  CHECK_FALSE(pool.take(wish("1")));
  pool.give_back({}, wish("8"));
  CHECK(pool.take(wish("1")) == Names{});
}

TEST_CASE("shares fill one GPU before they open the next") {
  GpuPool pool({"0", "1"});
  CHECK(pool.take(wish("1/2")) == Names{"0"});
  CHECK(pool.take(wish("1/2")) == Names{"0"});
  CHECK(pool.take(wish("1/2")) == Names{"1"});
  CHECK_FALSE(pool.take(wish("1")));
  CHECK(pool.take(wish("1/2")) == Names{"1"});
  CHECK_FALSE(pool.take(wish("1/2")));
  pool.give_back({"0"}, wish("1/2"));
  pool.give_back({"0"}, wish("1/2"));
  CHECK(pool.take(wish("1")) == Names{"0"});
}

TEST_CASE("every share up to its number fits, none more") {
  for (int share = 1; share <= 64; ++share) {
    INFO("1/" << share);
    GpuPool pool({"0"});
    const GpuWish part = wish(("1/" + std::to_string(share)).c_str());
    for (int n = 0; n < share; ++n) CHECK(pool.take(part));
    CHECK_FALSE(pool.take(part));
    for (int n = 0; n < share; ++n) pool.give_back({"0"}, part);
    CHECK(pool.take(wish("1")));
  }
}

TEST_CASE("without GPUs one row runs at a time") {
  GpuPool pool({});
  CHECK(pool.take(wish("2")) == Names{});
  CHECK_FALSE(pool.take(wish("1")));
  pool.give_back({}, wish("2"));
  CHECK(pool.take(wish("all")) == Names{});
}

TEST_CASE("a run that is found going keeps the GPUs it has") {
  GpuPool pool({"0", "1"});
  pool.occupy({"1"}, wish("1"));
  CHECK(pool.take(wish("1")) == Names{"0"});
  CHECK_FALSE(pool.take(wish("1")));
  pool.give_back({"1"}, wish("1"));
  CHECK(pool.take(wish("1")) == Names{"1"});
}

TEST_CASE("without GPUs two runs that are found going are both waited for") {
  GpuPool pool(Names{});
  pool.occupy({}, wish("all"));
  pool.occupy({}, wish("all"));
  CHECK_FALSE(pool.take(wish("all")));
  pool.give_back({}, wish("all"));
  CHECK_FALSE(pool.take(wish("all")));
  pool.give_back({}, wish("all"));
  CHECK(pool.take(wish("all")));
}
