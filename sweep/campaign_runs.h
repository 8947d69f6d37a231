#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/error.h"
#include "sweep/attempts.h"
#include "sweep/campaign_rows.h"
#include "sweep/going_runs.h"
#include "sweep/gpu_desk.h"
#include "sweep/row_control.h"
#include "sweep/schedule.h"

namespace workflow::sweep {

/// The rows and runs of a campaign in the hands of whoever has its executor's lock: what starts,
/// what has ended and what follows from that. It waits for nothing.
class CampaignRuns : public RowControl {
 public:
  using Say = std::function<void(const std::string&)>;

  CampaignRuns(const tasks::Site& site, const Campaign& campaign, PatientIndex& index,
               const fs::path& dir, GpuDesk& gpus, Say say);

  /// What an executor before this one left: running rows are adopted, ended ones recorded, the
  /// others queued.
  void find();
  /// Starts every row that may start now.
  void start_what_fits(std::int64_t now_ms);
  /// Takes up what has become of those whose supervisor has ended.
  void collect();
  /// Notes what its health gave reason to say, and ends the run where an order is given; one that
  /// cannot be given now is given as soon as it can.
  void end_for(std::size_t row, const Json& health, const std::optional<tasks::Order>& order);

  [[nodiscard]] const std::vector<RowState>& rows() const override { return rows_.states(); }
  [[nodiscard]] const Row& values(std::size_t row) const override { return rows_.values(row); }
  void end(std::size_t row, const tasks::Order& order) override;
  void again(std::size_t row) override;
  std::size_t add(const Row& values, const Json& origin) override;
  void replace(std::size_t row, const Row& values) override;
  void remove(std::size_t row) override;

  [[nodiscard]] GoingRuns& going() { return going_; }
  [[nodiscard]] Schedule& schedule() { return schedule_; }
  /// `5 rows failed one after the other (nccl)`.
  [[nodiscard]] std::string breaker_text() const;

 private:
  void give_orders();
  void adopt(std::size_t row, const Sight& sight);
  void enqueue(std::size_t row);
  void start(std::size_t row, const std::vector<std::string>& gpus);
  void not_started(std::size_t row, const Error& fault);
  void put_back(std::size_t row, const std::string& why);
  void give_up(std::size_t row, fsm::RunEvent event, const std::string& reason);
  void take(std::size_t row, const Sight& sight);
  void ended(std::size_t row, const RunView& view);
  void learn(std::size_t row);
  void tell_breaker();

  const tasks::Site& site_;
  const Campaign& campaign_;
  PatientIndex& index_;
  GpuDesk& gpus_;
  Say say_;
  CampaignRows rows_;
  Attempts attempts_;
  Schedule schedule_;
  GoingRuns going_;
  std::map<std::size_t, tasks::Order> owed_;  ///< ends that could not be ordered yet
  std::set<std::size_t> told_owed_;
  bool breaker_told_ = false;
};

}  // namespace workflow::sweep
