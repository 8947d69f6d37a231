#include "tasks/shared_dir.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/clock.h"
#include "common/error.h"
#include "common/fd_io.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

constexpr mode_t for_everybody = 01777;
constexpr std::int64_t made_limit_ms = 1'000;
constexpr std::size_t most_bytes = 65'536;
constexpr std::string_view unfinished = ".new-";

bool is_for_everybody(const fs::path& dir) {
  struct stat info {};
  return ::lstat(dir.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
         (info.st_mode & for_everybody) == for_everybody;
}

bool is_regular(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

UniqueFd open_there(const fs::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (fd.valid() && !is_regular(fd.get())) fd.reset();
  return fd;
}

/// A file that others made is opened without O_CREAT: the kernel refuses that in such a directory
/// (fs.protected_regular). flock asks for no right to write.
UniqueFd open_lock(const fs::path& file) {
  UniqueFd fd = open_there(file);
  if (fd.valid()) return fd;
  fd.reset(::open(file.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (fd.valid()) ::fchmod(fd.get(), 0644);
  return fd;
}

/// Still the file of that name: whoever tidies /tmp may have removed it.
bool is_named(int fd, const fs::path& file) {
  struct stat ours {};
  struct stat named {};
  return ::fstat(fd, &ours) == 0 && ::lstat(file.c_str(), &named) == 0 &&
         ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

/// Somebody else's symlink or FIFO in its place stays what it is.
bool can_be_locked(const fs::path& file) {
  struct stat info {};
  if (::lstat(file.c_str(), &info) == 0) return S_ISREG(info.st_mode);
  return presence(file.parent_path()) == Presence::there;
}

[[noreturn]] void cannot_share(const fs::path& dir, const std::string& why) {
  throw Error(Code::precondition, "GPU leases cannot be kept in '" + dir.string() + "': " + why,
              "WF_GPU_LEASE_DIR names another directory, the same for every user of the machine");
}

}  // namespace

fs::path machine_wide(const std::string& name) {
  const fs::path lasting = "/var/tmp";
  return (is_for_everybody(lasting) ? lasting : fs::path("/tmp")) / name;
}

void make_shared_dir(const fs::path& dir) {
  const std::int64_t deadline = system_clock().steady_ms() + made_limit_ms;
  if (::mkdir(dir.c_str(), 0700) == 0) {
    if (::chmod(dir.c_str(), for_everybody) != 0) cannot_share(dir, errno_text(errno));
  } else if (errno != EEXIST) {
    cannot_share(dir, errno_text(errno));
  }
  // Whoever else is making it has not said yet that it is for everybody.
  while (!is_for_everybody(dir)) {
    struct stat info {};
    const bool ours =
        ::lstat(dir.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid();
    if (ours) ::chmod(dir.c_str(), for_everybody);
    if (system_clock().steady_ms() >= deadline) {
      cannot_share(dir, "it is no directory of mode 1777");
    }
    ::poll(nullptr, 0, 10);
  }
}

UniqueFd lock_shared(const fs::path& dir, std::int64_t limit_ms) {
  const fs::path file = dir / "lock";
  const std::int64_t deadline = system_clock().steady_ms() + limit_ms;
  for (int pause_ms = 1;; pause_ms = std::min(pause_ms * 2, 20)) {
    UniqueFd fd = open_lock(file);
    if (fd.valid() && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 && is_named(fd.get(), file)) {
      return fd;
    }
    if (system_clock().steady_ms() >= deadline || !can_be_locked(file)) return {};
    fd.reset();
    ::poll(nullptr, 0, pause_ms);
  }
}

std::optional<std::string> read_shared(const fs::path& file) {
  const UniqueFd fd = open_there(file);
  std::string bytes;
  while (fd.valid() && bytes.size() <= most_bytes) {
    const ssize_t n = append_read(fd.get(), most_bytes, bytes);
    if (n == 0) return bytes;
    if (n < 0 && errno != EINTR) break;
  }
  return std::nullopt;
}

void write_shared(const fs::path& file, std::string_view bytes) {
  const fs::path temporary = file.parent_path() / (std::string(unfinished) + random_hex(8));
  const UniqueFd fd(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  const bool done = fd.valid() && write_all(fd.get(), bytes) && ::fchmod(fd.get(), 0644) == 0 &&
                    ::rename(temporary.c_str(), file.c_str()) == 0;
  if (done) return;
  const int error = errno;
  if (fd.valid()) ::unlink(temporary.c_str());
  throw Error(Code::precondition, "cannot write '" + file.string() + "': " + errno_text(error));
}

bool is_unfinished(std::string_view name) { return name.starts_with(unfinished); }

}  // namespace workflow::tasks
