#pragma once

#include <string>

#include "client/session.h"
#include "sweep/selection.h"

namespace workflow::client {

/// What became of every row of a campaign, with its last metrics; the state's without an id.
[[nodiscard]] Json sweep_results(Session& session, const std::string& campaign,
                                 const sweep::Selection& selection = {});

/// The same as CSV (RFC 4180, lines end with a newline): one line a row in the manifest's order and
/// one column for each metric, after those of the row. Numbers read back as exactly what they were.
[[nodiscard]] std::string results_csv(const Json& results);

}  // namespace workflow::client
