#include "client/results.h"

#include <algorithm>
#include <array>

#include "common/text.h"

namespace workflow::client {
namespace {

constexpr std::array<const char*, 12> columns{"run_id",    "state",      "config",   "seed",
                                              "overrides", "attempts",   "seconds",  "exit_code",
                                              "failure",   "started_at", "ended_at", "git_sha"};

std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

/// Texts as they are; numbers with as many digits as they need; what is nested as JSON.
std::string value(const Json& json) {
  if (json.is_null()) return {};
  return field(json.is_string() ? json.get<std::string>() : dump_json(json));
}

/// A metric may be called like a column of the row.
std::string heading(const std::string& metric) {
  const bool taken = std::ranges::find(columns, metric) != columns.end();
  return field(taken ? "metrics." + metric : metric);
}

}  // namespace

Json sweep_results(Session& session, const std::string& campaign,
                   const sweep::Selection& selection) {
  if (!campaign.empty()) require_id("campaign", campaign);
  return session.call(
      {.verb = "sweep-results",
       .args = {{"campaign", campaign}, {"selection", sweep::selection_json(selection)}}});
}

std::string results_csv(const Json& results) {
  const Json& metrics = member(results, "metrics");
  std::vector<std::string> fields(columns.begin(), columns.end());
  for (const auto& name : metrics) fields.push_back(heading(name.get<std::string>()));
  std::string text = join(fields, ",") + "\n";
  for (const auto& row : member(results, "rows")) {
    fields.clear();
    for (const char* column : columns) fields.push_back(value(member(row, column)));
    for (const auto& name : metrics) {
      fields.push_back(value(member(member(row, "metrics"), name.get<std::string>())));
    }
    text += join(fields, ",") + "\n";
  }
  return text;
}

}  // namespace workflow::client
