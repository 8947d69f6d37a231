#include "client/report.h"

#include <algorithm>

#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"

namespace workflow::client {
namespace {

bool needs_a_look(const Json& run) {
  const std::string state = text_at(run, "state");
  return state != "success" && state != "pending" && state != "deleted";
}

/// Keeps the rows that need a look, then the first of the others, in their order.
void bound(Report& report) {
  if (report.runs.size() <= most_report_rows) return;
  const auto looks = std::count_if(report.runs.begin(), report.runs.end(), needs_a_look);
  std::size_t others =
      most_report_rows - std::min(most_report_rows, static_cast<std::size_t>(looks));
  std::size_t room = most_report_rows;
  report.rows_left_out = report.runs.size();
  std::erase_if(report.runs, [&](const Json& run) {
    const bool look = needs_a_look(run);
    if (room == 0 || (!look && others == 0)) return true;
    room -= 1;
    if (!look) others -= 1;
    return false;
  });
  report.rows_left_out -= report.runs.size();
}

}  // namespace

Report sweep_report(Session& session, const ReportRequest& request) {
  if (!request.campaign.empty()) require_id("campaign", request.campaign);
  Report report;
  Session::Call call{
      .verb = "sweep-report",
      .args = {{"campaign", request.campaign}, {"most_curves", request.most_curves}}};
  call.on_event = [&](const Json& event) {
    const std::string kind = text_at(event, "event");
    for (const auto& run : member(event, "rows")) {
      // Asked again after a lost connection, it begins with the first row again.
      if (number_at(run, "n") == 1) report.runs.clear();
      report.runs.push_back(run);
    }
    if (kind == "curves") report.curves[number_at(event, "n")] = member(event, "curves");
  };
  report.head = session.call(call);
  report.target = session.settings().target();
  report.made_ms = system_clock().now_ms();
  bound(report);
  return report;
}

}  // namespace workflow::client
