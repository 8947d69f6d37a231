#pragma once

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// A directory on a local disk where a download grows before it goes to a data directory on FUSE,
/// which cannot append. It stays until all of it has gone over, so that a cut download goes on.
class DataStage {
 public:
  DataStage(const Step& step, const fs::path& data);

  [[nodiscard]] const fs::path& dir() const { return dir_; }
  /// Error(precondition) when the local disk has no room for so many bytes more, or hardly any.
  void require_room(std::int64_t bytes) const;
  /// Copies every whole file under a temporary name, looks at its size, renames it; then the stage
  /// is removed. Left out: hidden files, and names that downloads in progress have.
  void move_over() const;

 private:
  const Step& step_;
  fs::path data_;
  fs::path dir_;
};

}  // namespace workflow::tasks
