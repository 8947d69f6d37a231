#pragma once

#include <string>
#include <vector>

#include "tasks/site.h"

namespace workflow::tasks {

/// A user's path on the target: `~` is the home here, what is relative is below it, and nothing
/// else in it means anything.
[[nodiscard]] fs::path under_home(const Site& site, const std::string& path);

/// Where downloads are kept that outlive a job: variables (`K=V`) for Hugging Face, uv, pip and
/// torch below the first of `places` that is a directory here; a single place is made. The
/// directories are there and have been written to. Error(precondition) when none can be.
[[nodiscard]] std::vector<std::string> cache_environment(const Site& site,
                                                         const std::vector<std::string>& places);

}  // namespace workflow::tasks
