#pragma once

#include <string>

#include "common/json.h"
#include "sweep/selection.h"
#include "tasks/site.h"

namespace workflow::sweep {

struct StatusAsk {
  std::string campaign{};     ///< empty: the state's
  bool all = false;           ///< every row; otherwise those that are neither pending nor success
  std::int64_t after = 0;     ///< rows after this integer id
  std::int64_t limit = 1000;  ///< rows of a page
  std::int64_t page_bytes = INT64_MAX;  ///< and its bytes of JSON
  /// Of the campaign's rows, all of them told and counted; the frozen one is not repeated here.
  Selection selection{};
};

/// `data` of sweep-status: campaign, counts, executor, eta, rows. Reads the index once and looks
/// only at the records of rows that the index calls running. Error(not_found) without a campaign.
[[nodiscard]] Json sweep_status(const tasks::Site& site, const StatusAsk& ask);

/// `executor` of it: whether the executor of a campaign lives, and since when it was last seen.
[[nodiscard]] Json executor_json(const tasks::Site& site, const tasks::StateRecord& record,
                                 const std::string& campaign);

/// The campaign that is meant: the one asked for, else the state's; Error(not_found) without any.
[[nodiscard]] std::string asked_campaign(const tasks::Site& site, const tasks::StateRecord& record,
                                         const std::string& asked);

}  // namespace workflow::sweep
