#pragma once

#include <string>

#include "common/json.h"
#include "tasks/site.h"

namespace workflow::sweep {

/// Everything known about one run, from the records: its row's values, its attempts with the
/// evidence of their ends, what the index and the executor noted of it and when, what became of the
/// same id before and which inputs have changed since and, while it has not ended, why it waits.
/// Error(not_found) when no such run was started and no row of the campaign is called so.
[[nodiscard]] Json run_story(const tasks::Site& site, const std::string& run_id);

}  // namespace workflow::sweep
