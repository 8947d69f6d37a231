#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "sweep/manifest.h"
#include "sweep/row_index.h"

// What another manifest means to a campaign that is going. Pure: rows in, steps out.
namespace workflow::sweep {

/// A row of the campaign as it is.
struct StandingRow {
  const Row* values = nullptr;
  RunState state = RunState::pending;
  bool begun = false;   ///< an attempt of it has been started
  bool cloned = false;  ///< by run-clone: no manifest knows it
};

enum class ApplyStep {
  add,        ///< a new row
  replace,    ///< other values for a row that waits
  take_back,  ///< it was cancelled and is wanted again
  end_first,  ///< it is going with other values: ended, then looked at again
  anew,       ///< it has ended with other values: its run goes to _bak, and it runs once more
  cancel,     ///< it waits and is gone from the manifest
  keep,       ///< gone from the manifest or deleted, and left as it is
  conflict,   ///< not without `force`
};

struct PlannedRow {
  ApplyStep step = ApplyStep::keep;
  std::string run_id;
  std::optional<std::size_t> row{};  ///< its position, where the campaign has it
  const Row* values = nullptr;       ///< of the new manifest; none for what is gone from it
  std::string note{};                ///< for people
  bool busy = false;                 ///< of a conflict: something is going
};

/// What an id that the campaign does not know has done here before.
enum class Before { nothing, ended_well, other_values, going };

struct ApplyAsk {
  const std::vector<StandingRow>& standing;
  const std::vector<Row>& rows;  ///< of the new manifest; no selection applies to them
  bool force = false;            ///< what is going is ended, what has ended moves to _bak
  std::function<Before(const Row&)> before{};
};

/// What there is to do, the manifest's rows first, in its order; rows that stay as they are are
/// left out. After its steps are done the same question has no steps left.
[[nodiscard]] std::vector<PlannedRow> plan_apply(const ApplyAsk& ask);

/// `[{run_id, change (added, changed, back, gone, kept, conflict), state, note}]`.
[[nodiscard]] Json plan_json(const std::vector<PlannedRow>& plan,
                             const std::vector<StandingRow>& standing);

/// Ends, cancels or puts something aside.
[[nodiscard]] bool takes_away(const std::vector<PlannedRow>& plan);

}  // namespace workflow::sweep
