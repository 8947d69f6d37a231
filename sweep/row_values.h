#pragma once

#include <string>

#include "common/json.h"
#include "sweep/manifest.h"

// The values of a row outside a manifest: in the index for rows that joined a campaign later.
namespace workflow::sweep {

/// SHA-256 of the JSON array [run_id, config, seed, overrides, env]: equal for the same run.
[[nodiscard]] std::string row_hash(const Row& row);

/// Every value but `line` and `sha256`; columns that are empty are left out.
[[nodiscard]] Json values_json(const Row& row);
/// The row of such values, its hash computed anew.
[[nodiscard]] Row row_from(const Json& values);

}  // namespace workflow::sweep
