#pragma once

#include <optional>
#include <string>

#include "tasks/site.h"

// The floor under which nothing new starts: a disk that is nearly full fails every row that writes
// to it, one after the other.
namespace workflow::tasks {

/// How little a disk may have left.
struct SpaceFloor {
  std::int64_t bytes = 0;   ///< 0: there is no floor
  std::int64_t inodes = 0;  ///< names for new files
};

/// MIN_FREE_SPACE; with it goes a floor for file names.
[[nodiscard]] SpaceFloor space_floor(const Site& site);

/// What is wrong with the disk under a path: how much is free, and what the floor is; nothing when
/// there is enough, or the disk does not say.
[[nodiscard]] std::optional<std::string> below_floor(const fs::path& path, const SpaceFloor& floor);

/// The same for every disk that runs write to: where records and outputs are, and the local disk
/// of local_sync. One that may hang is not asked.
[[nodiscard]] std::optional<std::string> short_of_space(const Site& site);

}  // namespace workflow::tasks
