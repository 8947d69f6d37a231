#include "tasks/free_space.h"

#include "common/text.h"
#include "tasks/mounts.h"

namespace workflow::tasks {
namespace {

/// A run makes a directory and some ten files, its training perhaps hundreds.
constexpr std::int64_t least_inodes = 1'000;

std::string human(std::int64_t bytes) { return human_bytes(static_cast<double>(bytes)); }

}  // namespace

SpaceFloor space_floor(const Site& site) {
  const std::int64_t bytes = parse_size(site.text("MIN_FREE_SPACE")).value_or(0);
  return {bytes, bytes > 0 ? least_inodes : 0};
}

std::optional<std::string> below_floor(const fs::path& path, const SpaceFloor& floor) {
  const auto space = floor.bytes > 0 ? space_at(path) : std::nullopt;
  if (!space) return std::nullopt;
  if (space->free_bytes < floor.bytes) {
    return "the disk of '" + path.string() + "' has " + human(space->free_bytes) + " free; " +
           human(floor.bytes) + " is the floor (MIN_FREE_SPACE)";
  }
  if (space->free_inodes >= 0 && space->free_inodes < floor.inodes) {
    return "the disk of '" + path.string() + "' has room for " +
           counted(space->free_inodes, "more file") + "; " + std::to_string(floor.inodes) +
           " is the floor";
  }
  return std::nullopt;
}

std::optional<std::string> short_of_space(const Site& site) {
  const SpaceFloor floor = space_floor(site);
  if (auto text = below_floor(site.root(), floor)) return text;
  if (site.text("RUN_OUT_MODE") == "local_sync") {
    return below_floor(site.path("RUN_OUT_LOCAL_ROOT"), floor);
  }
  return std::nullopt;
}

}  // namespace workflow::tasks
