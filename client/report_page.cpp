#include <algorithm>
#include <cmath>
#include <set>

#include "client/report.h"
#include "client/report_chart.h"
#include "client/report_style.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/sha256.h"
#include "common/text.h"
#include "fsm/run_machine.h"

namespace workflow::client {
namespace {

constexpr std::size_t most_columns = 6;   ///< of metrics in the table
constexpr std::size_t most_names = 24;    ///< of runs below a chart
constexpr double golden_angle = 137.508;  ///< neighbours get hues that are far apart

std::string element(const std::string& tag, const std::string& text) {
  return "<" + tag + ">" + html_text(text) + "</" + tag + ">";
}

std::string cell(const std::string& text, const char* cls = "") {
  return std::string("<td") + (*cls != '\0' ? std::string(" class=\"") + cls + "\"" : "") + ">" +
         html_text(text) + "</td>";
}

bool ended_badly(const Json& run) {
  const auto state = fsm::run_state_from(text_at(run, "state"));
  return state && fsm::ended_badly(*state);
}

/// `curve` and `state` of the runs, by metric; the metric that most runs have first.
std::vector<std::pair<std::string, std::vector<ChartLine>>> charts_of(const Report& report) {
  std::map<std::string, std::vector<ChartLine>> by_key;
  for (const auto& run : report.runs) {
    const auto curves = report.curves.find(number_at(run, "n"));
    if (curves == report.curves.end()) continue;
    const double hue = std::fmod(golden_angle * static_cast<double>(number_at(run, "n")), 360);
    for (const auto& [key, points] : curves->second.items()) {
      by_key[key].push_back({text_at(run, "run_id"), points, ended_badly(run), hue});
    }
  }
  std::vector<std::pair<std::string, std::vector<ChartLine>>> charts(by_key.begin(), by_key.end());
  std::stable_sort(charts.begin(), charts.end(),
                   [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  return charts;
}

std::string names_of(const std::vector<ChartLine>& lines) {
  std::string out = "<p class=\"names\">";
  for (std::size_t i = 0; i < std::min(lines.size(), most_names); ++i) {
    out += "<span style=\"--h:" + number_text(lines[i].hue) + "\">" + html_text(lines[i].name) +
           "</span> ";
  }
  if (lines.size() > most_names) {
    out += "and " + std::to_string(lines.size() - most_names) + " more; a line tells its name";
  }
  return out + "</p>\n";
}

std::string curves_section(const Report& report) {
  std::string out;
  for (const auto& [key, lines] : charts_of(report)) {
    const std::string svg = chart_svg(lines);
    if (svg.empty()) continue;
    out += "<figure>\n<figcaption>" + html_text(key) + "</figcaption>\n" + svg + names_of(lines) +
           "</figure>\n";
  }
  if (out.empty()) return {};
  const auto have = static_cast<std::size_t>(number_at(report.head, "with_curves"));
  std::string note;
  if (have > report.curves.size()) {
    note = "<p class=\"left\">" + std::to_string(report.curves.size()) + " of " +
           std::to_string(have) + " runs with metrics are drawn.</p>\n";
  }
  return "<section>\n<h2>Curves</h2>\n" + note + "<div class=\"charts\">\n" + out +
         "</div>\n</section>\n";
}

/// The metrics that most rows have.
std::vector<std::string> metric_columns(const Report& report) {
  std::map<std::string, std::size_t> rows;
  for (const auto& run : report.runs) {
    for (const auto& [key, value] : member(run, "metrics").items()) rows[key] += 1;
  }
  std::vector<std::pair<std::string, std::size_t>> keys(rows.begin(), rows.end());
  std::stable_sort(keys.begin(), keys.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> columns;
  for (const auto& [key, count] : keys) {
    if (key != "total_steps" && columns.size() < most_columns) columns.push_back(key);
  }
  return columns;
}

std::string failure_text(const Json& run) {
  const Json& failure = member(run, "failure");
  std::string text = text_at(failure, "class");
  if (const std::string line = text_at(failure, "line"); !line.empty()) {
    text += ": " + line + " (stdout.log:" + std::to_string(number_at(failure, "line_number")) + ")";
  } else if (const std::string reason = text_at(run, "reason"); !reason.empty()) {
    text += (text.empty() ? "" : ": ") + reason;
  }
  return text;
}

std::string row_html(const Json& run, const std::vector<std::string>& metrics) {
  const std::string state = text_at(run, "state");
  const Json& seconds = member(run, "seconds");
  const double took = seconds.is_number() ? seconds.get<double>() : -1;
  std::string out = "<tr class=\"" + html_text(state) + "\">" +
                    cell(std::to_string(number_at(run, "n")), "number") +
                    cell(text_at(run, "run_id"), "run") +
                    cell(state + (flag_at(run, "skipped") ? " before" : ""), "state") +
                    cell(std::to_string(number_at(run, "attempt")), "number");
  for (const auto& key : metrics) {
    const Json& all = member(run, "metrics");
    const bool there = all.is_object() && all.contains(key);
    const Json& value = member(all, key);
    out += cell(value.is_number() ? number_text(value.get<double>())
                : there           ? "NaN"
                                  : "",
                "number");
  }
  out += "<td class=\"number\" data-value=\"" + number_text(took) + "\">" +
         html_text(took < 0 ? "" : human_duration(std::llround(took))) + "</td>";
  return out +
         cell(text_at(run, "config") + " seed " + std::to_string(number_at(run, "seed")) + " " +
              text_at(run, "overrides")) +
         cell(failure_text(run), "why") + "</tr>\n";
}

std::string rows_section(const Report& report) {
  const auto metrics = metric_columns(report);
  std::string head = "<th>#</th><th>run</th><th>state</th><th>attempts</th>";
  for (const auto& key : metrics) head += element("th", key);
  head += "<th>time</th><th>values</th><th>why</th>";
  std::string out = "<section>\n<h2>Rows</h2>\n";
  if (report.rows_left_out > 0) {
    out += "<p class=\"left\">" + std::to_string(report.rows_left_out) +
           " rows are left out, so that the page stays small; those that did not end well come "
           "first. <code>workflow sweep-results</code> has every row.</p>\n";
  }
  out +=
      "<div class=\"scroll\"><table id=\"rows\">\n<thead><tr>" + head + "</tr></thead>\n<tbody>\n";
  for (const auto& run : report.runs) out += row_html(run, metrics);
  return out + "</tbody>\n</table></div>\n</section>\n";
}

std::string counts_text(const Json& counts) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : counts.items()) {
    if (value.is_number() && value.get<std::int64_t>() > 0 && key != "total") {
      parts.push_back(std::to_string(value.get<std::int64_t>()) + " " + key);
    }
  }
  return std::to_string(number_at(counts, "total")) + " rows: " + join(parts, ", ");
}

std::string head_section(const Report& report) {
  const Json& campaign = member(report.head, "campaign");
  const Json& by = member(campaign, "started_by");
  std::string out = "<header>\n<h1>" + html_text(text_at(campaign, "id")) + "</h1>\n" +
                    element("p", counts_text(member(report.head, "counts"))) + "\n<dl>\n";
  const auto fact = [&](const char* name, const std::string& value) {
    if (!value.empty()) out += element("dt", name) + element("dd", value) + "\n";
  };
  fact("code", text_at(campaign, "git_sha"));
  fact("manifest",
       text_at(campaign, "manifest") + " · sha256 " + text_at(campaign, "manifest_sha256"));
  fact("started",
       text_at(campaign, "started_at") + " by " + text_at(by, "user") + "@" + text_at(by, "host"));
  fact("target", report.target);
  if (const Json& eta = member(report.head, "eta_secs");
      eta.is_number() && eta.get<std::int64_t>() > 0) {
    fact("to go", human_duration(eta.get<std::int64_t>()));
  }
  fact("as of", utc_text(report.made_ms));
  return out + "</dl>\n</header>\n";
}

/// Only our own script runs, whatever stands in the page.
std::string policy() {
  const std::string hex = sha256_hex(report_script);
  std::string digest;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    digest += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64(digest) +
         "'";
}

}  // namespace

std::string report_page(const Report& report) {
  const std::string id = text_at(member(report.head, "campaign"), "id");
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         html_text(policy()) +
         "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n" +
         element("title", "sweep " + id) + "\n<style>" + std::string(report_style) +
         "</style>\n</head>\n<body>\n" + head_section(report) + curves_section(report) +
         rows_section(report) + "<script>" + std::string(report_script) +
         "</script>\n</body>\n</html>\n";
}

}  // namespace workflow::client
