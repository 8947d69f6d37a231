#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/files.h"
#include "sweep/health_rules.h"
#include "sweep/metric_patterns.h"
#include "tasks/process_use.h"

namespace workflow::sweep {

/// The lines that come to a growing file; the first look takes the last 64 KiB of what is there.
class NewLines {
 public:
  explicit NewLines(fs::path file) : file_(std::move(file)) {}

  /// Hands over each line that is whole now ('\r' ends one too) with the byte where it begins;
  /// gives the file's size. Of more than 256 KiB since the last look only the end is read, and
  /// lines of more than 64 KiB are passed over.
  std::int64_t read(const std::function<void(std::string_view line, std::int64_t at)>& take);

 private:
  fs::path file_;
  std::optional<std::int64_t> offset_;  ///< what has been read
  std::string begun_;                   ///< a line without its end
  bool torn_ = false;                   ///< … which lacks its beginning too
};

/// Reads what a running attempt tells of itself, a bit more each time.
class SignReader {
 public:
  SignReader(const fs::path& dir, MetricPatterns declared);

  /// All but what the GPUs do.
  [[nodiscard]] Signs read(const tasks::ProcessUse& use);

 private:
  void points_of(const std::vector<MetricValue>& values, const std::string& where, Signs& signs);

  NewLines metrics_;
  NewLines log_;
  MetricPatterns declared_;
  MetricPatterns usual_;  ///< for NaN in the log of a run that declares nothing
  std::optional<double> step_;
};

}  // namespace workflow::sweep
