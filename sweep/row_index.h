#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/files.h"
#include "common/json.h"
#include "fsm/run_machine.h"
#include "sweep/manifest.h"

// rows.jsonl: how many rows there are, one line a row, then one line a change. An index that is
// read in one go; the truth about a row that the index calls running is in that run's own record.
namespace workflow::sweep {

using fsm::RunState;

/// The last that the index knows of a row.
struct RowState {
  std::int64_t n = 0;  ///< the row's integer id, from 1
  std::string run_id;
  std::string row_sha256;
  std::string config;
  std::int64_t seed = 0;
  RunState state = RunState::pending;
  bool skipped = false;  ///< it had ended well before this campaign
  int attempt = 0;       ///< of this campaign, from 1; 0: not started
  int forgiven = 0;      ///< attempts that were not the row's fault, or before a resume
  std::string started_at;
  std::string ended_at;
  Json result = Json::object();  ///< exit_code, signal, reason, failure, metrics of an ended row
  Json health{};                 ///< the last that its health gave reason to say; null for nothing
  Json values{};  ///< of a row that joined or was changed later (row_values.h); null: as the
                  ///< manifest
  Json origin{};  ///< where such a row came from: parent, warm_start, by, op
};

/// Moves a row along the run machine's table; a move that is not in it is our own mistake.
void move(RowState& row, fsm::RunEvent event);

/// Moves a row that was called running to where its own record says it is now.
void move_to(RowState& row, RunState state);

/// The file rows.jsonl of one campaign.
class RowIndex {
 public:
  RowIndex(Files& files, const Clock& clock, fs::path campaign_dir);

  /// Writes the index of a new campaign, all its rows pending or skipped.
  void create(const std::vector<RowState>& rows);
  /// Reads it; a line that a crash cut short is passed over, but Error(precondition) when a row is
  /// missing: nobody may take a damaged index for a sweep that has ended. Rows that joined later
  /// follow those of the manifest.
  [[nodiscard]] std::vector<RowState> load() const;
  /// Appends a row's change. What a run's own record proves as well need not be flushed: an
  /// executor after a power cut finds it there again.
  void append(const RowState& row, bool durable = true);
  /// A row that joins the campaign, or gets other values: all of it.
  void define(const RowState& row);
  /// Waits until every change is on the disk.
  void flush();

 private:
  Files& files_;
  const Clock& clock_;
  fs::path file_;
};

/// The values of every row: the manifest's, and what joined or was changed later.
[[nodiscard]] std::vector<Row> with_later(std::vector<Row> manifest,
                                          const std::vector<RowState>& rows);

/// Every row has ended or was skipped.
[[nodiscard]] bool all_ended(const std::vector<RowState>& rows);

}  // namespace workflow::sweep
