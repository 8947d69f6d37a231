#pragma once

#include <string>
#include <vector>

#include "sweep/manifest.h"

namespace workflow::sweep {

/// How a clone differs from its parent.
struct CloneAsk {
  std::string run_id;              ///< of the clone
  std::vector<std::string> set{};  ///< `key=value` each
  std::string warm_start{};        ///< the parent's out/, to begin from its checkpoint; empty: not
};

/// The variable in which a clone finds its parent's out/.
inline constexpr const char* warm_start_name = "WF_WARM_START_FROM";

/// The parent's row with the changes. `config seed gpus timeout_secs max_retries notes` and
/// `env.NAME` are columns; every other key is a word of the overrides, which takes the place of the
/// one of that key or comes behind them. Error(usage) with every fault.
[[nodiscard]] Row cloned_row(const Row& parent, const CloneAsk& ask, const ManifestRules& rules);

/// `parent-c2`, `-c3` …: the first that `taken` does not know.
template <class Taken>
[[nodiscard]] std::string clone_name(const std::string& parent, const Taken& taken) {
  for (int n = 2;; ++n) {
    std::string id = parent + "-c" + std::to_string(n);
    if (!taken(id)) return id;
  }
}

}  // namespace workflow::sweep
