#include <catch2/catch.hpp>

#include "client/report.h"
#include "client/report_chart.h"
#include "tests/support/answers.h"

using namespace workflow;
using namespace workflow::client;
using workflow::test::contains;

namespace {

const std::string evil = "</script><img src=x onerror=alert(1)>\"'&";

Json row(int n, const std::string& state) {
  return {{"n", n},
          {"run_id", "run-" + std::to_string(n)},
          {"state", state},
          {"attempt", 1},
          {"config", evil},
          {"seed", 1},
          {"overrides", evil},
          {"metrics", {{"loss", 0.5}, {evil, 1.0}}},
          {"seconds", 61.5},
          {"failure", {{"class", "exit"}, {"line", evil}, {"line_number", 3}}}};
}

Report report_of(int rows) {
  Report report;
  report.head = {{"campaign",
                  {{"id", "20260101T000000Z-0000000a"},
                   {"git_sha", evil},
                   {"manifest", evil},
                   {"manifest_sha256", "aa"},
                   {"started_at", "2026-01-01T00:00:00.000Z"},
                   {"started_by", {{"user", evil}, {"host", "h"}}}}},
                 {"counts", {{"total", rows}, {"success", rows}, {"failed", 0}}},
                 {"with_curves", 3}};
  for (int n = 1; n <= rows; ++n) report.runs.push_back(row(n, n == 2 ? "failed" : "success"));
  report.curves[1] = {{"loss", {{0, 4.0}, {1, nullptr}, {2, 1.0}}}, {evil, {{0, 1}, {1, 2}}}};
  report.curves[2] = {{"loss", {{0, 3.0}, {5, 2.0}}}};
  report.target = "local";
  return report;
}

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a report has head, curves by metric and rows, and says what is left out") {
  const std::string page = report_page(report_of(3));
  CHECK(contains(page, "<h1>20260101T000000Z-0000000a</h1>"));
  CHECK(contains(page, "3 rows: 3 success"));
  CHECK(contains(page, "<figcaption>loss</figcaption>"));
  CHECK(contains(page, "2 of 3 runs with metrics are drawn."));
  CHECK(times(page, "<tr class=") == 3);
  CHECK(contains(page, "class=\"curve bad\""));
  CHECK(contains(page, "1 min 2 s"));
  CHECK_FALSE(contains(page, "http:"));
  CHECK_FALSE(contains(page, "https:"));
}

TEST_CASE("the page of a long campaign is bounded, and says so") {
  Report report = report_of(static_cast<int>(most_report_rows));
  report.rows_left_out = 8000;
  const std::string page = report_page(report);
  CHECK(contains(page, "8000 rows are left out"));
  CHECK(page.size() < 3'000'000);
}

TEST_CASE("nothing that a target says becomes markup") {
  const std::string page = report_page(report_of(3));
  CHECK_FALSE(contains(page, "<img"));
  CHECK(times(page, "<script") == 1);
  CHECK(times(page, "</script>") == 1);
  CHECK(contains(page, "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;"));
  CHECK(contains(page, "script-src &#39;sha256-"));
  CHECK(html_text("a\033[1m\x01\xff") == html_text("a\033[1m\x01\xff"));
  CHECK_FALSE(contains(html_text("a\033[1mb"), "\033"));
}

TEST_CASE("a chart breaks where a value is NaN, and is on a log scale where it has to be") {
  const std::string gap =
      chart_svg({{.name = "a<b", .points = {{0, 4.0}, {1, nullptr}, {2, 1.0}}, .hue = 10}});
  CHECK(contains(gap, "<title>a&lt;b</title>"));
  CHECK(contains(gap, " d=\"M64 10M708 254\""));
  CHECK_FALSE(contains(gap, "log scale"));
  const std::string wide = chart_svg({{.name = "a", .points = {{0, 1000.0}, {1, 10.0}, {2, 0.1}}}});
  CHECK(contains(wide, "log scale"));
  CHECK(contains(wide, "M64 10L386 132L708 254"));
  CHECK(chart_svg({}).empty());
  CHECK(chart_svg({{.name = "a", .points = {{0, nullptr}}}}).empty());
}
