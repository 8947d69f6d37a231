#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sweep/apply_plan.h"
#include "sweep/campaign.h"
#include "sweep/op_facts.h"
#include "sweep/op_store.h"
#include "sweep/row_control.h"

namespace workflow::sweep {

/// What was asked of a campaign while it is going, applied in the order in which it was asked. Only
/// the holder of the campaign's executor lock may have one.
class Operations {
 public:
  using Say = std::function<void(const std::string&)>;

  /// Takes up what an executor before this one left, `processing` included.
  Operations(const tasks::Site& site, const Campaign& campaign, Say say);

  /// Applies what is due. An operation on a run whose earlier operation is not over waits for it;
  /// others go on. Each is `processing` on the disk before it changes anything, and doing it again
  /// after a crash does nothing twice. One that fails says why in its record and ends nothing else.
  /// Cheap when there is nothing to do: one look for the next number.
  void turn(RowControl& rows);

  /// Something is left to do, also what was asked since the last turn. A sweep must not end while
  /// this is true: ask it under the state's lock.
  [[nodiscard]] bool waiting();

 private:
  void take_new();
  void take(std::int64_t id);
  void supersede();
  [[nodiscard]] bool must_wait(const Operation& op) const;
  void hold_back(const Operation& op);
  void work(Operation& op, RowControl& rows);
  void work_on_run(Operation& op, RowControl& rows);
  void go_on(Operation& op, RowControl& rows, std::size_t row, bool taken_up);
  void clone(Operation& op, RowControl& rows, std::size_t row, bool taken_up);
  void apply(Operation& op, RowControl& rows);
  void keep_manifest(const Operation& op);
  void apply_step(const Operation& op, RowControl& rows, const PlannedRow& planned);
  [[nodiscard]] bool end(const Operation& op, RowControl& rows, std::size_t row,
                         const tasks::Order& order);
  [[nodiscard]] std::vector<StandingRow> standing(const RowControl& rows) const;
  void require_no_warm_child(const RowControl& rows, const std::string& run_id) const;
  [[nodiscard]] Json resumable(const std::string& run_id) const;
  bool begin(Operation& op);
  void finish(Operation& op, OpState state, std::string reason = {});
  bool save(const Operation& op);

  const tasks::Site& site_;
  std::string campaign_id_;
  ManifestRules rules_;
  OpStore store_;
  Say say_;
  std::int64_t last_ = 0;                       ///< the highest number that is known
  std::map<std::int64_t, Operation> open_;      ///< not over, or over and not yet so on the disk
  std::map<std::int64_t, Manifest> manifests_;  ///< of an apply that is not over
  std::set<std::string> cloned_;                ///< rows that no manifest knows
  std::map<std::pair<std::int64_t, std::size_t>, int> told_;  ///< op and row: the attempt ended
  std::vector<std::string> held_;  ///< runs whose operation is not over, of this turn
  bool all_held_ = false;
};

}  // namespace workflow::sweep
