#pragma once

#include <string>
#include <vector>

#include "common/json.h"
#include "sweep/row_index.h"
#include "tasks/site.h"

// One row as people see it: what the index has, and of a running row what its own record says now.
namespace workflow::sweep {

/// Looks at the record of a row that the index calls running, which may lag behind it: moves the
/// row to where it is now and gives what belongs beside it (certainty, supervised, gpus).
[[nodiscard]] Json look_at_running(const tasks::Site& site, const std::string& campaign,
                                   RowState& row);

/// A row as an element of `runs`; `live` is what look_at_running gave.
[[nodiscard]] Json row_json(const RowState& row, const Json& live = Json::object());

/// `counts` of sweep-status.
[[nodiscard]] Json count_rows(const std::vector<RowState>& rows);

}  // namespace workflow::sweep
