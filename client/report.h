#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/session.h"

// A campaign as a report tells it: gathered from the target page by page, then one HTML file.
namespace workflow::client {

/// All that a report is made of.
struct Report {
  Json head = Json::object();             ///< campaign, counts, executor, eta_secs, with_curves
  std::vector<Json> runs{};               ///< at most `most_rows` of them, in the manifest's order
  std::size_t rows_left_out = 0;          ///< rows that ended well, mostly, and are not told
  std::map<std::int64_t, Json> curves{};  ///< `{key: [[step,value]...]}` by the row's number
  std::string target{};
  std::int64_t made_ms = 0;
};

/// So many rows stand in a report; of more, those that need a look come first.
constexpr std::size_t most_report_rows = 2000;

/// Which campaign (the state's without an id), and of how many runs the curves are drawn.
struct ReportRequest {
  std::string campaign{};
  std::int64_t most_curves = 100;
};
[[nodiscard]] Report sweep_report(Session& session, const ReportRequest& request);

/// The report as one HTML page that needs nothing else: no script to be read, no other file.
/// Everything that came from the target is escaped.
[[nodiscard]] std::string report_page(const Report& report);

}  // namespace workflow::client
