#include "sweep/earlier_runs.h"

#include <algorithm>

#include "sweep/run.h"

namespace workflow::sweep {
namespace {

constexpr std::size_t most_earlier = 10;

Json changed_inputs(const Json& then, const Row& row, const Campaign& campaign) {
  Json changed = Json::array();
  const auto compare = [&](const char* what, const Json& was, const Json& is) {
    if (was != is) changed.push_back({{"what", what}, {"from", was}, {"to", is}});
  };
  compare("git_sha", member(then, "git_sha"), campaign.git_sha);
  if (text_at(then, "row_sha256") == row.sha256) return changed;
  const std::size_t before = changed.size();
  compare("config", member(then, "config"), row.config);
  compare("seed", member(then, "seed"), row.seed);
  compare("overrides", member(then, "overrides"), row.overrides);
  if (changed.size() == before) changed.push_back({{"what", "env"}});
  return changed;
}

Json earlier_run(const Json& summary, const std::string& where, const Row& row,
                 const Campaign& campaign) {
  return {{"campaign_id", text_at(summary, "campaign_id")},
          {"state", text_at(summary, "state")},
          {"ended_at", text_at(summary, "ended_at")},
          {"git_sha", text_at(summary, "git_sha")},
          {"where", where},
          {"changed", changed_inputs(summary, row, campaign)}};
}

/// A summary of another campaign; one that cannot be read says nothing.
std::optional<Json> earlier_summary(Files& files, const fs::path& dir, const Campaign& campaign) {
  try {
    auto summary = read_summary(files, dir);
    if (summary && text_at(*summary, "campaign_id") != campaign.id) return summary;
  } catch (const Error&) {
  }
  return std::nullopt;
}

}  // namespace

Json earlier_runs(const tasks::Site& site, const Row& row, const Campaign& campaign) {
  Files& files = site.files();
  const fs::path dir = site.run_dir(row.run_id);
  std::vector<std::pair<fs::path, std::string>> places{{dir, ""}};
  for (const auto& name : files.list(dir / "attempts")) {
    places.emplace_back(dir / "attempts" / name, "attempts/" + name);
  }
  const fs::path shelf = fs::path("_bak") / row.run_id;
  for (const auto& name : files.list(site.below(shelf))) {
    places.emplace_back(site.below(shelf / name), (shelf / name).string());
  }
  std::vector<Json> found;
  for (const auto& [place, where] : places) {
    if (const auto summary = earlier_summary(files, place, campaign)) {
      found.push_back(earlier_run(*summary, where, row, campaign));
    }
  }
  std::sort(found.begin(), found.end(), [](const Json& a, const Json& b) {
    return text_at(a, "ended_at") > text_at(b, "ended_at");
  });
  if (found.size() > most_earlier) found.resize(most_earlier);
  return found;
}

}  // namespace workflow::sweep
