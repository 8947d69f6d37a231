#include "sweep/retry_failed.h"

#include <algorithm>
#include <set>

#include "common/error.h"
#include "common/sha256.h"
#include "common/text.h"
#include "sweep/campaign.h"
#include "sweep/evidence.h"
#include "sweep/status.h"

namespace workflow::sweep {
namespace {

/// The campaign of the state, or the newest there is: their ids begin with their time.
std::string last_campaign(const tasks::Site& site, const tasks::StateRecord& record) {
  const std::string current = current_campaign(site, record);
  if (!current.empty()) return current;
  const auto ids = site.files().list(site.below("_campaigns"));
  if (ids.empty()) {
    throw Error(Code::not_found, "no sweep was started here, so none of its rows has failed",
                "workflow sweep-start runs all rows");
  }
  return ids.back();
}

bool unfinished(const tasks::StateRecord& record) {
  return record.state == fsm::State::sweep_running || record.state == fsm::State::sweep_stalled;
}

bool ended_badly(const std::string& state) {
  const auto known = fsm::run_state_from(state);
  return known && fsm::ended_badly(*known);
}

/// The rows of a campaign that are over and not well, as far as the manifest still has them.
std::vector<std::string> failed_rows(const tasks::Site& site, const std::string& campaign,
                                     const SweepAsk& ask) {
  const Manifest manifest =
      parse_manifest(ask.manifest, ask.manifest_name, rules_for(member(site.args(), "settings")));
  const Json status =
      sweep_status(site, {.campaign = campaign, .all = true, .limit = INT64_MAX, .selection = {}});
  std::set<std::string> bad;
  for (const auto& run : member(status, "runs")) {
    if (ended_badly(text_at(run, "state"))) bad.insert(text_at(run, "run_id"));
  }
  std::vector<std::string> failed;
  for (const auto& row : manifest.rows) {
    if (bad.count(row.run_id) != 0) failed.push_back(row.run_id);
  }
  return failed;
}

}  // namespace

SweepAsk with_failed_rows(const tasks::Site& site, const SweepAsk& ask) {
  if (!ask.selection.retry_failed) return ask;
  if (!ask.selection.only.empty()) {
    throw Error(Code::usage, "--only and --retry-failed both name the rows", "give one of them");
  }
  const tasks::StateRecord record = site.keeper().load();
  const std::string id = last_campaign(site, record);
  const Campaign last = read_campaign(site.files(), site.campaign_dir(id));
  SweepAsk named = ask;
  const bool same_retry =
      last.selection.retry_failed && last.manifest_sha256 == sha256_hex(ask.manifest);
  named.selection.only =
      unfinished(record) && same_retry ? last.selection.only : failed_rows(site, id, ask);
  if (named.selection.only.empty()) {
    throw Error(
        Code::not_found,
        "nothing to try again: no row of '" + ask.manifest_name + "' ended badly in campaign " + id,
        "workflow sweep-status --all shows its rows");
  }
  std::sort(named.selection.only.begin(), named.selection.only.end());
  return named;
}

}  // namespace workflow::sweep
