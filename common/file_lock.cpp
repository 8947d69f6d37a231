#include "common/file_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <cerrno>

#include "common/clock.h"
#include "common/error.h"

namespace workflow {
namespace {

UniqueFd open_lock(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) throw_errno("cannot open the lock '" + path.string() + "'");
  return fd;
}

bool lock_now(int fd, const fs::path& path) {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return false;
    throw_errno("cannot lock '" + path.string() + "'");
  }
  return true;
}

}  // namespace

std::optional<FileLock> FileLock::try_take(const fs::path& path) {
  UniqueFd fd = open_lock(path);
  if (!lock_now(fd.get(), path)) return std::nullopt;
  return FileLock(std::move(fd));
}

FileLock FileLock::take(const fs::path& path, std::int64_t limit_ms) {
  UniqueFd fd = open_lock(path);
  const std::int64_t deadline = system_clock().steady_ms() + limit_ms;
  for (int pause_ms = 1; !lock_now(fd.get(), path); pause_ms = std::min(pause_ms * 2, 50)) {
    if (system_clock().steady_ms() >= deadline) {
      throw Error(Code::busy,
                  "another command holds '" + path.string() + "' for longer than " +
                      std::to_string(limit_ms / 1000) + " s",
                  "try again; a lock ends with its holder");
    }
    ::poll(nullptr, 0, pause_ms);
  }
  return FileLock(std::move(fd));
}

}  // namespace workflow
