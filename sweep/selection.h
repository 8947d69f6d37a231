#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/json.h"
#include "sweep/manifest.h"

namespace workflow::sweep {

/// Which rows are meant, the same in every command; a sweep's own is frozen in its campaign. Each
/// part narrows what the others leave.
struct Selection {
  std::string match{};              ///< part of a run_id, or /regex/ (POSIX); empty matches all
  std::string start_at{};           ///< run_id of the first row considered; empty is the first
  std::int64_t limit = 0;           ///< how many selected rows are kept; 0 is all
  std::vector<std::string> only{};  ///< these run_ids; empty is all
  bool retry_failed = false;        ///< `only` was made of what had failed before

  bool operator==(const Selection&) const = default;
};

[[nodiscard]] Json selection_json(const Selection& selection);
/// `only` sorted and each once, so that equal selections are equal.
[[nodiscard]] Selection selection_from(const Json& json);

/// Indices of the selected rows in their own order, at least one; a selection that cannot be meant
/// (no such run_id, a bad regex, nothing left) is a usage error that names its key.
[[nodiscard]] std::vector<std::size_t> select_rows(const std::vector<std::string>& run_ids,
                                                   const Selection& selection);
[[nodiscard]] std::vector<std::size_t> select_rows(const Manifest& manifest,
                                                   const Selection& selection);

}  // namespace workflow::sweep
