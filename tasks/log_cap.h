#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/file_hole.h"
#include "common/files.h"

// A log that grows without end fills the disk of every other run. Its middle is given back to the
// file system (fallocate(2), FALLOC_FL_PUNCH_HOLE): head and tail stay, and so does every offset.
// Linux only.
namespace workflow::tasks {

/// What a log of `size` bytes is to leave out, so that at most `cap` stay: a quarter of the cap is
/// kept of its head, half of its tail. Nothing while it is small enough as it is. Pure.
[[nodiscard]] std::optional<FileHole> next_hole(std::int64_t size, std::int64_t cap,
                                                const FileHole& now);

/// Keeps one log under its cap.
class LogCap {
 public:
  /// Told before bytes go, so that a record says it first; with a fault when they cannot go: then
  /// nothing was left out and nothing more is tried.
  using Note = std::function<void(const FileHole& hole, const std::string& fault)>;

  /// `cap` in bytes, 0: no limit. `hole` is what was left out already.
  LogCap(fs::path log, std::int64_t cap, const FileHole& hole, Note note);

  /// When it may have grown over its cap at the soonest, by the steady clock.
  [[nodiscard]] std::int64_t next_ms() const { return next_ms_; }
  void turn(std::int64_t now_ms);

 private:
  void leave_out(int fd, const FileHole& hole);

  fs::path log_;
  std::int64_t cap_;
  FileHole hole_;
  Note note_;
  std::int64_t next_ms_ = INT64_MAX;
};

}  // namespace workflow::tasks
