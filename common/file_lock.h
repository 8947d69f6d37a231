#pragma once

#include <cstdint>
#include <optional>

#include "common/files.h"
#include "common/unique_fd.h"

namespace workflow {

/// An exclusive flock(2) on a file of its own, held until the object goes. The kernel drops it
/// when its holder dies, so that it can never be stale.
class FileLock {
 public:
  /// Takes the lock, waiting at most `limit_ms`; after that Error(busy) that names the file.
  static FileLock take(const fs::path& path, std::int64_t limit_ms);
  /// Takes the lock if it is free now.
  static std::optional<FileLock> try_take(const fs::path& path);

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace workflow
