#include "tasks/steps/data_stage.h"

#include <algorithm>

#include "common/error.h"
#include "common/sha256.h"
#include "common/text.h"
#include "tasks/mounts.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t least_room = 1 << 30;

bool in_progress(const fs::path& path) {
  const std::string name = path.filename().string();
  if (name[0] == '.') return true;
  for (const char* end : {".part", ".partial", ".tmp", ".incomplete", ".download", ".aria2"}) {
    if (name.ends_with(end)) return true;
  }
  return false;
}

std::string human(std::int64_t bytes) { return human_bytes(static_cast<double>(bytes)); }

/// Beside the working copy, which is on a local disk by its nature; else where the system keeps
/// what outlives a reboot.
fs::path local_root(const Site& site) {
  const fs::path beside = site.repo().parent_path();
  const auto mount = mount_of(beside);
  return mount && mount->is_fuse() ? fs::path("/var/tmp") : beside;
}

}  // namespace

DataStage::DataStage(const Step& step, const fs::path& data)
    : step_(step),
      data_(data),
      dir_(local_root(step.site()) /
           (".workflow-data-" + sha256_hex(data.string()).substr(0, 12))) {
  step_.say("'" + data.string() + "' lies on FUSE: downloaded to '" + dir_.string() + "' first");
}

void DataStage::require_room(std::int64_t bytes) const {
  const auto space = space_at(dir_);
  const std::int64_t needed = std::max(bytes, least_room);
  if (!space || space->free_bytes >= needed) return;
  throw Error(
      Code::precondition,
      "the download is staged in '" + dir_.string() + "', where " + human(space->free_bytes) +
          " are free; " + human(needed) + " are needed",
      "make room on the local disk, or put the data into '" + data_.string() + "' by another way");
}

void DataStage::move_over() const {
  std::int64_t total = 0;
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir_)) {
    if (!entry.is_regular_file() || in_progress(entry.path())) continue;
    total += static_cast<std::int64_t>(entry.file_size());
    files.push_back(entry.path());
  }
  if (const auto space = space_at(data_); space && space->free_bytes < total) {
    throw Error(Code::precondition,
                "'" + data_.string() + "' has room for " + human(space->free_bytes) +
                    ", the data is " + human(total),
                "it stays in '" + dir_.string() + "'; make room and run checkout again");
  }
  for (const auto& file : files) {
    const fs::path to = data_ / file.lexically_relative(dir_);
    const fs::path half = to.parent_path() / (".workflow-" + to.filename().string() + ".part");
    step_.site().files().make_dirs(to.parent_path());
    fs::copy_file(file, half, fs::copy_options::overwrite_existing);
    if (fs::file_size(half) != fs::file_size(file)) {
      throw Error(Code::work_failed, "'" + to.string() + "' arrived with another size",
                  "the data stays in '" + dir_.string() + "'; run checkout again");
    }
    step_.site().files().rename(half, to);
    step_.say("there: " + to.string());
  }
  fs::remove_all(dir_);
}

}  // namespace workflow::tasks
