#include "sweep/results.h"

#include <limits>
#include <set>

#include "common/text.h"
#include "sweep/campaign.h"
#include "sweep/row_index.h"
#include "sweep/status.h"

namespace workflow::sweep {
namespace {

Json result_row(const Json& run, const std::string& overrides, const std::string& git_sha) {
  const bool skipped = flag_at(run, "skipped");
  // What a row of an earlier campaign ran with stands in its own record.
  const std::string sha = text_at(run, "git_sha", skipped ? "" : git_sha);
  Json out = {{"run_id", text_at(run, "run_id")},
              {"state", text_at(run, "state")},
              {"skipped", skipped},
              {"config", text_at(run, "config")},
              {"seed", number_at(run, "seed")},
              {"overrides", overrides},
              {"attempts", number_at(run, "attempt")},
              {"seconds", member(run, "seconds")},
              {"gpus", member(run, "gpus")},
              {"exit_code", member(run, "exit_code")},
              {"failure", text_at(member(run, "failure"), "class")},
              {"started_at", text_at(run, "started_at")},
              {"ended_at", text_at(run, "ended_at")},
              {"git_sha", sha},
              {"metrics", Json::object()}};
  if (const Json& metrics = member(run, "metrics"); metrics.is_object()) out["metrics"] = metrics;
  return out;
}

}  // namespace

Json sweep_results(const tasks::Site& site, const std::string& campaign,
                   const Selection& selection) {
  if (!campaign.empty()) require_id("campaign", campaign);
  const Json status = sweep_status(site, {.campaign = campaign,
                                          .all = true,
                                          .limit = std::numeric_limits<std::int64_t>::max(),
                                          .selection = selection});
  const Json& told = member(status, "campaign");
  const fs::path dir = site.campaign_dir(text_at(told, "id"));
  const Campaign frozen = read_campaign(site.files(), dir);
  const std::vector<Row> values = with_later(campaign_rows(site.files(), dir, frozen),
                                             RowIndex(site.files(), site.clock(), dir).load());
  Json rows = Json::array();
  std::set<std::string> names;
  for (const auto& run : member(status, "runs")) {
    const Row& row = values.at(static_cast<std::size_t>(number_at(run, "n") - 1));
    rows.push_back(result_row(run, row.overrides, text_at(told, "git_sha")));
    for (const auto& [name, value] : rows.back()["metrics"].items()) names.insert(name);
  }
  return {{"campaign", told}, {"rows", std::move(rows)}, {"metrics", names}};
}

}  // namespace workflow::sweep
