#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sweep/apply_plan.h"
#include "sweep/op_store.h"
#include "tasks/site.h"

// What those who ask for operations and those who apply them both must know of a campaign.
namespace workflow::sweep {

/// What an id that a campaign does not know has done here before.
[[nodiscard]] Before known_before(const tasks::Site& site, const Row& row);

/// The SHA-256 of the manifest that was applied last; empty: the one that the campaign began with.
[[nodiscard]] std::string applied_manifest(const tasks::Site& site, const std::string& campaign_id);

/// What was asked of a sweep that is being stopped and has no executor any more will not be done.
void give_up_operations(const tasks::Site& site, const std::string& campaign_id,
                        const std::string& reason);

/// Rows that no manifest knows, because run-clone made them.
[[nodiscard]] std::set<std::string> cloned_ids(const std::vector<Operation>& operations);

/// Error(precondition) when a run has no checkpoint that a clone could begin from.
void require_warm_start(const tasks::Site& site, const std::string& run_id);

/// Where a clone of a run finds its checkpoint: another pod's local disk has none.
[[nodiscard]] fs::path warm_start_place(const tasks::Site& site, const std::string& run_id);

/// The position of the row that stands for a run id: a deleted one only where there is no other.
[[nodiscard]] std::optional<std::size_t> find_row(const std::vector<RowState>& rows,
                                                  std::string_view run_id);

}  // namespace workflow::sweep
