#pragma once

#include <string>

#include "common/json.h"
#include "sweep/selection.h"
#include "tasks/site.h"

namespace workflow::sweep {

/// `data` of sweep-results: `campaign`, `rows` in the manifest's order with what became of each,
/// and `metrics`, the names of all there are. From the index, and the records of rows that run now.
/// `selection` is of the campaign's rows. Without an id it is the state's campaign;
/// Error(not_found) when there is none.
[[nodiscard]] Json sweep_results(const tasks::Site& site, const std::string& campaign,
                                 const Selection& selection = {});

}  // namespace workflow::sweep
