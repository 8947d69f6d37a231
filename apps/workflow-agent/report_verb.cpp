// sweep-report: every row in pages, and the curves of the first runs that have some.
#include <algorithm>
#include <limits>

#include "apps/workflow-agent/sweep_verbs.h"
#include "sweep/campaign.h"
#include "sweep/curves.h"
#include "sweep/row_index.h"
#include "sweep/status.h"

namespace workflow::agent {
namespace {

constexpr std::size_t rows_a_page = 200;
constexpr std::size_t metrics_a_row = 24;
constexpr sweep::CurveLimits limits{.points = 120, .keys = 8};

/// A row without what a hostile training may have piled up in it.
Json reported(const Json& run, const std::string& overrides) {
  Json out = run;
  out["overrides"] = overrides;
  Json few = Json::object();
  const Json& metrics = member(run, "metrics");
  for (auto it = metrics.begin(); it != metrics.end() && few.size() < metrics_a_row; ++it) {
    if (it->is_number() || it->is_null()) few[it.key()] = *it;
  }
  if (metrics.is_object()) out["metrics"] = std::move(few);
  return out;
}

void send_rows(Reply& reply, const Json& status) {
  const auto& site = reply.site();
  const fs::path dir = site.campaign_dir(text_at(member(status, "campaign"), "id"));
  const sweep::Campaign campaign = sweep::read_campaign(site.files(), dir);
  const auto values = sweep::with_later(sweep::campaign_rows(site.files(), dir, campaign),
                                        sweep::RowIndex(site.files(), site.clock(), dir).load());
  Json page = Json::array();
  const auto send = [&] {
    if (!page.empty())
      reply.send({{"event", "rows"}, {"rows", std::exchange(page, Json::array())}});
  };
  for (const auto& run : member(status, "runs")) {
    const auto at = static_cast<std::size_t>(number_at(run, "n", 1) - 1);
    page.push_back(reported(run, at < values.size() ? values[at].overrides : std::string()));
    if (page.size() == rows_a_page) send();
  }
  send();
}

/// How many runs have curves, of which at most `most` are sent.
std::int64_t send_curves(Reply& reply, const Json& status, std::int64_t most) {
  std::int64_t have = 0;
  for (const auto& run : member(status, "runs")) {
    const fs::path dir = reply.site().run_dir(text_at(run, "run_id"));
    if (text_at(run, "state") == "deleted" || reply.client_gone()) continue;
    if (member(run, "metrics").empty()) continue;
    have += 1;
    if (have > most) continue;
    reply.send({{"event", "curves"},
                {"n", number_at(run, "n")},
                {"curves", sweep::read_curves(reply.site().files(), dir, limits)}});
  }
  return have;
}

}  // namespace

Json sweep_report(Reply& reply) {
  Json status =
      sweep::sweep_status(reply.site(), {.campaign = reply.text("campaign"),
                                         .all = true,
                                         .limit = std::numeric_limits<std::int64_t>::max()});
  send_rows(reply, status);
  status["with_curves"] = send_curves(reply, status, number_at(reply.args(), "most_curves"));
  status.erase("runs");
  status.erase("next");
  return status;
}

}  // namespace workflow::agent
