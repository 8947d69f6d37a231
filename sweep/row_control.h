#pragma once

#include <cstddef>
#include <vector>

#include "common/json.h"
#include "sweep/manifest.h"
#include "sweep/row_index.h"
#include "tasks/order.h"

namespace workflow::sweep {

/// What an operation may do to the rows of a campaign while its executor holds it. Each change is
/// in the row index before the call returns. Callers ask the run machine first: a move that the
/// table does not have is a bug.
class RowControl {
 public:
  RowControl() = default;
  RowControl(const RowControl&) = delete;
  RowControl& operator=(const RowControl&) = delete;
  virtual ~RowControl() = default;

  /// What the index knows of every row, by position; a row's integer id is its position plus one.
  [[nodiscard]] virtual const std::vector<RowState>& rows() const = 0;
  /// The values of a row.
  [[nodiscard]] virtual const Row& values(std::size_t row) const = 0;

  /// A pending row ends at once, as the order says; a going one is told, and ends when its
  /// processes have ended: ask rows() again later.
  virtual void end(std::size_t row, const tasks::Order& order) = 0;
  /// An ended row (not a success) waits for its turn again; what it wrote stays in its out/.
  virtual void again(std::size_t row) = 0;
  /// A new row at the end of the queue; its position. `origin` stands in the index and in its
  /// record:
  /// {"parent", "warm_start", "by", "op"} of a clone.
  virtual std::size_t add(const Row& values, const Json& origin) = 0;
  /// Other values for a pending row; it keeps its id and its place.
  virtual void replace(std::size_t row, const Row& values) = 0;
  /// An ended row is `deleted`, its directory (and what local_sync left on the pod) in `_trash`.
  virtual void remove(std::size_t row) = 0;
};

}  // namespace workflow::sweep
