#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sweep/campaign.h"
#include "sweep/patient_index.h"
#include "sweep/run.h"

namespace workflow::sweep {

/// The rows of a campaign in the hands of its executor. Every change is in the index when the call
/// returns; what a run's own record proves as well is not flushed.
class CampaignRows {
 public:
  /// Error(precondition) when index and manifest are not of one campaign.
  CampaignRows(const tasks::Site& site, const Campaign& campaign, PatientIndex& index,
               const fs::path& dir);

  [[nodiscard]] std::size_t size() const { return states_.size(); }
  [[nodiscard]] const std::vector<RowState>& states() const { return states_; }
  [[nodiscard]] const RowState& operator[](std::size_t row) const { return states_[row]; }
  [[nodiscard]] const Row& values(std::size_t row) const { return values_[row]; }

  /// The next attempt is about to begin. Readers see it; the run's own record is the proof.
  void announce(std::size_t row);
  /// Announced, but never begun.
  void withdraw(std::size_t row);
  /// What the index calls pending may have begun, and its executor died: then it is running.
  void catch_up(std::size_t row);
  /// The attempt has ended, as its own record says.
  void ended(std::size_t row, const RunView& view);
  /// It ends without a record of its own.
  void give_up(std::size_t row, fsm::RunEvent event, const Json& result);
  /// An ended row waits for its turn again; `forgive`: what it has tried so far does not count.
  void again(std::size_t row, bool forgive);
  /// One more attempt that was not the row's fault.
  void forgive(std::size_t row) { states_[row].forgiven += 1; }
  void note_health(std::size_t row, const Json& health);
  std::size_t add(const Row& values, const Json& origin);
  void replace(std::size_t row, const Row& values);
  void removed(std::size_t row);

  [[nodiscard]] std::optional<RunView> look(std::size_t row) const;
  /// Looks at a run whose supervisor has ended; one that died gets another first.
  [[nodiscard]] std::optional<RunView> settle(std::size_t row) const;
  /// The view is of the attempt that the index names.
  [[nodiscard]] bool is_current(std::size_t row, const std::optional<RunView>& view) const;

 private:
  const tasks::Site& site_;
  const Campaign& campaign_;
  PatientIndex& index_;
  std::vector<RowState> states_;
  std::vector<Row> values_;
};

}  // namespace workflow::sweep
