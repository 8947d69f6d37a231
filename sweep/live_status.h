#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/json.h"
#include "sweep/campaign.h"
#include "sweep/curves.h"
#include "sweep/gpu_view.h"
#include "sweep/row_index.h"
#include "tasks/notices.h"
#include "tasks/site.h"

namespace workflow::sweep {

/// A campaign that is looked at again and again, and what has changed since it was last told. The
/// index is read again only when it has changed, and only rows that run are looked at: the cost of
/// a look is that of what goes on, not of how long the campaign is.
class LiveStatus {
 public:
  /// `curves`: for a view. Running rows also carry `curve` ({key, values}, at most so many points
  /// each), and the head `gpus`; 0: neither. Error(not_found) without a campaign.
  LiveStatus(const tasks::Site& site, const std::string& campaign, std::size_t curves);

  /// Looks again at the target.
  void look();
  /// All of it, as sweep-status --all has it, and the state: the first that is told.
  [[nodiscard]] Json whole();
  /// The same without the campaign, and in `runs` only the rows that changed; null
  /// when nothing has.
  [[nodiscard]] Json changes();

  /// Readable when the index has changed since the last look; -1 where that is not told.
  [[nodiscard]] int changed_fd() const { return notices_.fd(); }

  /// How far it has come: rows are left, and some of them run.
  [[nodiscard]] bool rows_left() const;
  [[nodiscard]] bool rows_running() const;
  [[nodiscard]] std::string executor_state() const { return text_at(executor_, "state"); }

 private:
  void reload_if_changed();
  void look_at_rows();
  [[nodiscard]] Json head();
  [[nodiscard]] Json curve_of(std::size_t row);

  const tasks::Site& site_;
  std::string id_;
  fs::path dir_;
  tasks::Notices notices_;
  GpuView gpus_;
  Campaign campaign_;
  std::size_t curve_points_;
  std::string index_stamp_;                  ///< of rows.jsonl when it was read
  std::vector<RowState> rows_;               ///< as they are now
  std::map<std::size_t, RowState> running_;  ///< rows that run, as the index has them
  tasks::StateRecord record_;
  Json executor_ = Json::object();
  std::map<std::size_t, std::string> going_;  ///< rows that run, as they are now
  std::map<std::size_t, Json> changed_;       ///< rows that changed since they were told
  std::map<std::size_t, CurveReader> curves_;
  std::string told_head_;
};

}  // namespace workflow::sweep
