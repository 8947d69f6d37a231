#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sweep/campaign.h"
#include "sweep/row_index.h"
#include "sweep/start.h"

// What the run ids of a new campaign have done here before.
namespace workflow::sweep {

/// The rows of a new campaign.
struct JudgedRows {
  std::vector<RowState> states;        ///< pending, or skipped: it has ended well already
  std::vector<std::string> to_move{};  ///< runs of other values, to _bak with --force
  std::int64_t skipped = 0;
  std::vector<std::string> notes{};  ///< for people
};

/// Judges each row by the run of its id. Error(busy) where one is going, Error(exists) with every
/// row that ran with other values, without `force`.
[[nodiscard]] JudgedRows judge_rows(const tasks::Site& site, const std::vector<Row>& rows,
                                    const SweepAsk& ask, const Campaign& campaign);

}  // namespace workflow::sweep
