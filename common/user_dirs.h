#pragma once

#include "common/files.h"

namespace workflow {

/// Where this user's caches of ours lie: XDG_CACHE_HOME/workflow.
[[nodiscard]] fs::path cache_dir();

/// Where what must outlive a cache lies: XDG_STATE_HOME/workflow.
[[nodiscard]] fs::path state_dir();

/// Where this user's own settings of ours lie: XDG_CONFIG_HOME/workflow.
[[nodiscard]] fs::path config_dir();

}  // namespace workflow
