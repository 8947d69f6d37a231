#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sweep/manifest.h"

namespace workflow::sweep {

/// Which rows of a manifest are meant; frozen in the campaign.
struct Selection {
  std::string match{};     ///< part of a run_id, or /regex/ (ECMAScript); empty matches all
  std::string start_at{};  ///< run_id of the first row considered; empty is the first
  std::int64_t limit = 0;  ///< how many selected rows are kept; 0 is all
};

/// Indices of the selected rows in the manifest's order, at least one; a selection that cannot be
/// meant (no such run_id, a bad regex, nothing left) is a usage error that names its key.
[[nodiscard]] std::vector<std::size_t> select_rows(const Manifest& manifest,
                                                   const Selection& selection);

}  // namespace workflow::sweep
