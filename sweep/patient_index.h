#pragma once

#include <functional>
#include <string>

#include "sweep/row_index.h"

namespace workflow::sweep {

/// The row index in the hands of the executor. On a full disk it waits for room: a row whose change
/// is not written would be started twice, or never.
class PatientIndex {
 public:
  using Say = std::function<void(const std::string&)>;
  /// Waits so many milliseconds; true when the executor is told to end.
  using Wait = std::function<bool(std::int64_t)>;

  PatientIndex(Files& files, const Clock& clock, const fs::path& campaign_dir, Wait wait, Say say)
      : files_(files),
        clock_(clock),
        dir_(campaign_dir),
        index_(files, clock, campaign_dir),
        wait_(std::move(wait)),
        say_(std::move(say)) {}

  [[nodiscard]] std::vector<RowState> load() const { return index_.load(); }
  /// Appends a change. Throws what the disk says after a quarter of an hour without room, and at
  /// once when told to end: the runs' own records have it all.
  void append(const RowState& row, bool durable = true);
  /// The same for a row that joins, or gets other values.
  void define(const RowState& row);
  void flush() { index_.flush(); }
  /// Whether the disk takes a record of a run now.
  [[nodiscard]] bool room() const;

 private:
  void patiently(const std::function<void()>& write);

  Files& files_;
  const Clock& clock_;
  fs::path dir_;
  RowIndex index_;
  Wait wait_;
  Say say_;
};

}  // namespace workflow::sweep
