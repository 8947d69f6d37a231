#pragma once

#include <set>
#include <string>
#include <vector>

#include "sweep/apply_plan.h"
#include "sweep/campaign.h"
#include "sweep/op_request.h"

// A sweep-apply before it is asked for: what its manifest means to the campaign as it is now.
namespace workflow::sweep {

/// A campaign as its records have it.
struct Standing {
  Campaign campaign;
  std::vector<RowState> states;
  std::vector<Row> values;
  std::set<std::string> cloned;

  Standing(const tasks::Site& site, const std::string& id);
  [[nodiscard]] std::vector<StandingRow> rows() const;
};

/// Another manifest, and what it would do. `plan` points into it and into `rows`.
struct Judged {
  Manifest manifest;
  std::vector<StandingRow> rows;
  std::vector<PlannedRow> plan;
};

/// Throws with every fault of the manifest.
[[nodiscard]] Judged judge_apply(const tasks::Site& site, const Standing& now, const OpAsk& ask);

/// Error(busy) or Error(exists) with all that is in the way of it.
void require_no_conflict(const Judged& judged, const std::string& file);

/// Which rows a manifest would add, change and take away: `rows` (plan_json), `unchanged`,
/// `changes`, `takes_away`, `conflicts`. Changes nothing.
[[nodiscard]] Json show_apply(const tasks::Site& site, const OpAsk& ask);

}  // namespace workflow::sweep
