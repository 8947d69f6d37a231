#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>

#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/pane.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

const TestRow bad{.run_id = "bad", .command = "echo first; python3 -c 'import nosuch'"};

constexpr const char* with_metrics =
    "echo '{\"step\":180,\"total_steps\":200,\"loss\":0.412}' >> \"$WF_METRICS_FILE\"; ";

long columns(const std::string& line) {
  return std::count_if(line.begin(), line.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

}  // namespace

TEST_CASE("on a terminal sweep-watch is a live view that keys work in") {
  const Sweeps sweeps;
  const std::string goes = std::string(with_metrics) + "echo hello from it; " + until_released;
  sweeps.manifest(
      {bad, {.run_id = "goes", .command = goes}, {.run_id = "waits", .command = until_released}});
  sweeps.start();
  REQUIRE(sweeps.waits_for_start("goes"));
  const Pane pane(sweeps.space, {"sweep-watch"}, 80, 24);
  CHECK(pane.shows("goes   running  180/200  0.412"));
  CHECK(pane.shows("hello from it"));
  CHECK(pane.shows("1/3  0 ok, 1 not, 1 running, 1 pending"));
  CHECK(pane.shows("import: No module named 'nosuch'"));
  CHECK(pane.on_other_screen());
  for (const auto& line : pane.lines()) CHECK(columns(line) <= 80);

  pane.type({"j", "l"});
  CHECK(pane.shows("bad · stdout.log"));
  CHECK(pane.shows("ModuleNotFoundError: No module named 'nosuch'"));
  CHECK(pane.shows("q back"));
  pane.type({"q", "w"});
  CHECK(pane.shows("why bad"));
  CHECK(pane.shows("attempt 1 started on 20"));
  pane.type({"q", "/", "wai", "Enter"});
  CHECK(pane.shows("runs with 'wai'"));
  CHECK(eventually([&] { return !contains(pane.shown(), "goes "); }));
  pane.resize(120, 40);
  pane.type({"Escape"});
  CHECK(pane.shows("goes   running"));
  CHECK(eventually([&] {  // the keys stand in the last line of the new size
    const auto lines = pane.lines();
    return lines.size() >= 40 && contains(lines[39], "q leave");
  }));

  pane.type({"g", "s"});
  CHECK(pane.shows("stop goes? y/n"));
  pane.type({"y"});
  CHECK(pane.shows("run-stop of goes: completed"));
  CHECK(pane.shows("waits  running"));
  sweeps.release();
  CHECK(pane.shows("ended 1"));
  CHECK_FALSE(pane.on_other_screen());
  CHECK(pane.shows("SWEEP_COMPLETED · 1 ok, 2 not"));
}

TEST_CASE("a view that is left or ended gives the terminal back, and the sweep goes on") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "one", .command = until_released}});
  sweeps.start();
  const auto leave = [&](const std::string& how) {
    INFO(how);
    const Pane pane(sweeps.space, {"sweep-watch"}, 80, 24);
    REQUIRE(pane.shows("one  running"));
    if (how == "TERM") {
      ::kill(pane.program(), SIGTERM);
    } else {
      pane.type({how});
    }
    CHECK(pane.shows("ended 130"));
    CHECK(pane.shows("the sweep goes on"));
    CHECK_FALSE(pane.on_other_screen());
  };
  leave("q");
  leave("C-c");
  leave("TERM");
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
}
