#include "tasks/log_cap.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/error.h"

namespace workflow::tasks {
namespace {

/// Whole blocks are given back; part of one would only be overwritten with zeros.
constexpr std::int64_t block = 4096;
/// What the quickest disks take: looked at again before the cap can be far behind.
constexpr std::int64_t bytes_per_ms = 1'000'000;
constexpr std::int64_t soonest_ms = 1'000;
constexpr std::int64_t latest_ms = 60'000;

std::int64_t blocks_up(std::int64_t bytes) { return (bytes + block - 1) / block * block; }

}  // namespace

std::optional<FileHole> next_hole(std::int64_t size, std::int64_t cap, const FileHole& now) {
  if (cap <= 0 || size - now.size() <= cap) return std::nullopt;
  const FileHole hole{now.size() == 0 ? blocks_up(cap / 4) : now.from,
                      (size - cap / 2) / block * block};
  if (hole.size() == 0 || hole.to <= now.to) return std::nullopt;
  return hole;
}

LogCap::LogCap(fs::path log, std::int64_t cap, const FileHole& hole, Note note)
    : log_(std::move(log)), cap_(cap), hole_(hole), note_(std::move(note)) {
  if (cap_ > 0) next_ms_ = 0;
}

void LogCap::turn(std::int64_t now_ms) {
  if (now_ms < next_ms_) return;
  struct stat info {};
  const UniqueFd fd(::open(log_.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const bool there = fd.valid() && ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode);
  const std::int64_t size = there ? info.st_size : 0;
  const auto room = (cap_ - (size - hole_.size())) / bytes_per_ms;
  next_ms_ = now_ms + std::clamp(room, soonest_ms, latest_ms);
  if (const auto hole = there ? next_hole(size, cap_, hole_) : std::nullopt) {
    leave_out(fd.get(), *hole);
  }
}

void LogCap::leave_out(int fd, const FileHole& hole) {
  note_(hole, "");
  const std::int64_t from = std::max(hole.from, hole_.to);
  if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, hole.to - from) == 0) {
    hole_ = hole;
    return;
  }
  next_ms_ = INT64_MAX;
  note_(hole_,
        "the log grows beyond LOG_MAX_SIZE: its file system cannot leave out a part of it (" +
            errno_text(errno) + ")");
}

}  // namespace workflow::tasks
