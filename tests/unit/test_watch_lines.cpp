#include <catch2/catch.hpp>

#include <algorithm>

#include "apps/workflow/output.h"
#include "apps/workflow/sparkline.h"
#include "apps/workflow/watch_lines.h"
#include "common/clock.h"
#include "tests/support/answers.h"

using namespace workflow;
using namespace workflow::app;
using workflow::test::contains;

namespace {

constexpr Now now{1'000'000'000, 50'000};

Json row(int n, const std::string& id, const std::string& state, Json more = Json::object()) {
  Json out = {{"n", n}, {"run_id", id}, {"state", state}, {"attempt", state == "pending" ? 0 : 1}};
  out.update(more);
  return out;
}

Json whole(Json runs) {
  return {
      {"event", "progress"},
      {"data",
       {{"campaign", {{"id", "20260101T000000Z-0000000a"}}},
        {"state", "SWEEP_RUNNING"},
        {"counts",
         {{"total", runs.size()}, {"pending", 1}, {"running", 1}, {"success", 1}, {"failed", 1}}},
        {"executor", {{"state", "alive"}}},
        {"eta_secs", 5400},
        {"runs", std::move(runs)}}}};
}

/// One of each kind.
Json some_rows() {
  return Json::array(
      {row(1, "done", "success", {{"seconds", 61.0}, {"metrics", {{"loss", 0.25}}}}),
       row(2, "waits", "pending"),
       row(3, "goes", "running",
           {{"metrics", {{"step", 180}, {"total_steps", 200}, {"loss", 0.412}}},
            {"started_at", utc_text(now.wall_ms - 75'000)},
            {"gpus", {"0", "1"}},
            {"curve", {{"key", "loss"}, {"values", {4.0, 3.0, 2.0, 1.0, nullptr, 0.0}}}}}),
       row(4, "bad", "failed",
           {{"seconds", 1.0}, {"failure", {{"class", "import"}, {"line", "No module"}}}})});
}

std::string shown(const WatchModel& model, Size size, Now at = now) {
  std::string text;
  for (const auto& line : watch_lines(model, size, at)) {
    text += terminal_text(line, false, false) + "\n";
  }
  return text;
}

WatchModel model_of(const Json& rows) {
  WatchModel model;
  model.take(whole(rows), now.steady_ms);
  return model;
}

void type(WatchModel& model, const std::string& keys, Size size = {}) {
  std::string typed = keys;
  for (const Key& key : take_keys(typed, true)) (void)model.press(key, size);
}

}  // namespace

TEST_CASE("the view has head, GPUs, rows in the order in which they need a look, log and keys") {
  WatchModel model = model_of(some_rows());
  model.take({{"event", "log_of"}, {"id", "goes"}, {"offset", 0}}, now.steady_ms);
  model.take({{"event", "log"}, {"id", "goes"}, {"offset", 0}, {"text", "hello\n10%\r90%"}},
             now.steady_ms);
  const std::string text = shown(model, {24, 80});
  INFO(text);
  CHECK(contains(text, "campaign 20260101T000000Z-0000000a   SWEEP_RUNNING"));
  CHECK(contains(text, "live\n"));
  CHECK(contains(text, "2/4  1 ok, 1 not, 1 running, 1 pending  eta 90 min"));
  CHECK(contains(text, "gpus  0 goes   1 goes"));
  CHECK(contains(text, "goes   running  180/200  0.412  ▇▅▃▂!▁  75 s"));
  CHECK(contains(text, "import: No module"));
  CHECK(text.find("goes ") < text.find("bad "));
  CHECK(text.find("bad ") < text.find("waits "));
  CHECK(text.find("waits ") < text.find("done "));
  CHECK(contains(text, "── goes · stdout.log ─"));
  CHECK(contains(text, "hello\n90%\n"));
  CHECK(contains(text, "q leave"));
}

TEST_CASE("no line is wider and no view higher than the terminal, whatever its size") {
  Json rows = some_rows();
  for (int i = 5; i < 60; ++i) {
    rows.push_back(row(i, "a-run-with-a-very-long-name-" + std::string(60, 'x') + std::to_string(i),
                       i % 2 == 0 ? "failed" : "pending",
                       {{"failure", {{"class", "exit"}, {"line", std::string(300, 'e')}}}}));
  }
  WatchModel model = model_of(rows);
  for (const Size size : {Size{24, 80}, Size{40, 120}, Size{10, 40}, Size{4, 20}, Size{1, 10}}) {
    for (const char* keys : {"", "G", "?", "q", "l", "q", "/zz", "\033"}) {
      type(model, keys, size);
      const auto lines = watch_lines(model, size, now);
      INFO(size.rows << "x" << size.columns << " after " << keys);
      CHECK(lines.size() <= size.rows);
      for (const auto& line : lines) CHECK(text_width(line) <= size.columns);
    }
  }
}

TEST_CASE("what is shown says how old it is") {
  WatchModel model = model_of(some_rows());
  CHECK(contains(shown(model, {}, {now.wall_ms, now.steady_ms + 9'000}), "as of 9 s ago"));
  model.take({{"event", "connection"}, {"state", "lost"}}, now.steady_ms + 10'000);
  CHECK(contains(shown(model, {}, {now.wall_ms, now.steady_ms + 12'000}),
                 "reconnecting… as of 12 s ago"));
  model.take({{"event", "looked"}}, now.steady_ms + 13'000);
  CHECK(contains(shown(model, {}, {now.wall_ms, now.steady_ms + 13'000}), "live"));
  model.end();
  CHECK(model.may_close());
  CHECK(contains(shown(model, {}), "ended"));
}

TEST_CASE("differences change their rows and nothing else; the cursor stays on its row") {
  WatchModel model = model_of(some_rows());
  type(model, "j");
  CHECK(model.selected_id() == "bad");
  model.take({{"event", "progress"},
              {"data",
               {{"counts", {{"total", 4}, {"failed", 2}}},
                {"runs", {row(3, "goes", "failed"), row(2, "waits", "running")}}}}},
             now.steady_ms);
  CHECK(model.sweep().runs().size() == 4);
  CHECK(model.selected_id() == "bad");
  CHECK(model.cursor() == 2);
  CHECK(text_at(member(model.sweep().head(), "campaign"), "id") == "20260101T000000Z-0000000a");
  // The run has ended; its curve is still to be seen.
  CHECK(contains(shown(model, {}), "▇▅▃▂!▁"));
}

TEST_CASE("keys move, filter, open the log and leave") {
  WatchModel model = model_of(some_rows());
  CHECK(model.selected_id() == "goes");
  type(model, "\033[B\033[B\033OA");
  CHECK(model.selected_id() == "bad");
  type(model, "G");
  CHECK(model.selected_id() == "done");
  type(model, "f");
  CHECK(model.order().size() == 1);
  CHECK(contains(shown(model, {}), "failed only"));
  type(model, "\033");
  type(model, "/don");
  CHECK(model.order().size() == 1);
  CHECK(contains(shown(model, {}), "filter: don"));
  type(model, "q\x7f");  // typed, no key here
  CHECK(model.filter() == "don");
  type(model, "\r");
  CHECK(contains(shown(model, {}), "runs with 'don'"));
  type(model, "/zz\r");
  CHECK(contains(shown(model, {}), "no row fits"));
  CHECK(model.press({Key::Kind::text, "w"}, {}) == Wish::none);
  type(model, "\033");
  CHECK(model.order().size() == 4);
  CHECK(model.press({Key::Kind::text, "w"}, {}) == Wish::why);
  type(model, "l");
  CHECK(model.page() == WatchModel::Page::log);
  CHECK(model.press({Key::Kind::text, "q"}, {}) == Wish::none);
  CHECK(model.page() == WatchModel::Page::table);
  CHECK(model.press({Key::Kind::text, "q"}, {}) == Wish::leave);
  CHECK(model.press({Key::Kind::interrupt}, {}) == Wish::leave);
}

TEST_CASE(
    "a stop is asked about, a clone's values are typed, and both are of the run at the cursor") {
  WatchModel model = model_of(some_rows());
  type(model, "s");
  CHECK(contains(shown(model, {}), "stop goes? y/n"));
  CHECK(model.press({Key::Kind::text, "n"}, {}) == Wish::none);
  type(model, "s");
  CHECK(model.press({Key::Kind::text, "y"}, {}) == Wish::stop);
  CHECK(model.about() == "goes");
  type(model, "jclr=0.1x\x7f");
  CHECK(contains(shown(model, {}), "clone bad with: lr=0.1▏"));
  CHECK(model.press({Key::Kind::enter}, {}) == Wish::clone);
  CHECK(model.typed() == "lr=0.1");
  CHECK(model.about() == "bad");
  type(model, "c");
  CHECK(model.press({Key::Kind::enter}, {}) == Wish::none);
  type(model, "ca\033");
  CHECK(model.typing() == WatchModel::Typing::nothing);
}

TEST_CASE("who reads a log is neither moved by new lines nor torn out of it by the end") {
  WatchModel model = model_of(some_rows());
  model.take({{"event", "log_of"}, {"id", "goes"}, {"offset", 0}}, now.steady_ms);
  const auto add = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      model.take({{"event", "log"},
                  {"id", "goes"},
                  {"offset", i},
                  {"text", "line " + std::to_string(i) + ".\n"}},
                 now.steady_ms);
    }
  };
  add(0, 100);
  type(model, "l");
  CHECK(contains(shown(model, {}), "line 99.\n"));
  type(model, "kkkk");
  CHECK(contains(shown(model, {}), "line 95.\n"));
  CHECK_FALSE(contains(shown(model, {}), "line 96.\n"));
  add(100, 150);
  CHECK(contains(shown(model, {}), "line 95.\n"));
  CHECK_FALSE(contains(shown(model, {}), "line 96.\n"));
  model.end();
  CHECK_FALSE(model.may_close());
  type(model, "G");
  CHECK(contains(shown(model, {}), "line 149.\n"));
  type(model, "q");
  CHECK(model.may_close());
}

TEST_CASE("a training's words reach the terminal neither by the log nor by a row") {
  Json rows = some_rows();
  rows.push_back(row(5, "evil", "failed",
                     {{"failure", {{"class", "exit"}, {"line", "\033]0;title\a \xff\x31red"}}}}));
  WatchModel model = model_of(rows);
  model.take({{"event", "log_of"}, {"id", "goes"}, {"offset", 0}}, now.steady_ms);
  model.take({{"event", "log"},
              {"id", "goes"},
              {"offset", 0},
              {"text", "\033[31mred\033[0m \033]2;x\a \u202e!\n"}},
             now.steady_ms);
  const std::string text = shown(model, {24, 80});
  INFO(text);
  CHECK_FALSE(contains(text, "\033"));
  CHECK_FALSE(contains(text, "\a"));
  CHECK_FALSE(contains(text, "\u202e"));
  CHECK(contains(text, "red "));
}

TEST_CASE("keys come in pieces, and a lone escape is one when nothing follows it") {
  std::string typed = "a\033[";
  auto keys = take_keys(typed, false);
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].is("a"));
  CHECK(typed == "\033[");
  typed += "5~\xc3";
  keys = take_keys(typed, false);
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].kind == Key::Kind::page_up);
  typed += "\xa9\033[99;5u\r";
  keys = take_keys(typed, false);
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].is("é"));
  CHECK(keys[1].kind == Key::Kind::enter);
  typed = "\033";
  CHECK(take_keys(typed, false).empty());
  keys = take_keys(typed, true);
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].kind == Key::Kind::escape);
  CHECK(typed.empty());
}

TEST_CASE("a curve in a line, and figures of a table") {
  CHECK(sparkline({5, 4, 3, 2, 1}, 5) == "▇▅▃▂▁");
  CHECK(sparkline({1, 1}, 9) == "▃▃");
  CHECK(sparkline({0, 0, 10, 10}, 2) == "▁▇");
  CHECK(sparkline({1.0, nullptr, 2.0}, 3) == "▁!▇");
  CHECK(sparkline(Json::array(), 5).empty());
  CHECK(sparkline(nullptr, 5).empty());
  CHECK(metric_text(0.41239) == "0.412");
  CHECK(metric_text(1e-7) == "1.00e-07");
  CHECK(metric_text(nullptr) == "NaN");
  CHECK(metric_text("x") == "–");
  CHECK(metric_text(12) == "12");
  CHECK(short_duration(9) == "9 s");
  CHECK(short_duration(16 * 60 + 54) == "16 min");
  CHECK(short_duration(18'600) == "5.2 h");
  CHECK(short_duration(267'840) == "3.1 d");
}
