#include "client/swap.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "common/error.h"

namespace workflow::client {
namespace {

fs::path before(const fs::path& now) {
  return now.parent_path() / ("." + now.filename().string() + ".fetch-old");
}

bool exchange_names(const fs::path& a, const fs::path& b) {
#if defined(__APPLE__)
  return ::renamex_np(a.c_str(), b.c_str(), RENAME_SWAP) == 0;
#elif defined(SYS_renameat2)
  constexpr unsigned exchange = 1U << 1U;  // RENAME_EXCHANGE
  return ::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), exchange) == 0;
#else
  errno = ENOSYS;
  return false;
#endif
}

void rename_or_throw(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return;
  throw_errno("cannot move '" + from.string() + "' to '" + to.string() + "'");
}

}  // namespace

fs::path exchange(const fs::path& next, const fs::path& now) {
  if (exchange_names(next, now)) return next;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) {
    throw_errno("cannot put '" + now.string() + "' in its place");
  }
  std::error_code ignored;
  fs::remove_all(before(now), ignored);
  rename_or_throw(now, before(now));
  rename_or_throw(next, now);
  return before(now);
}

void mend_exchange(const fs::path& now) {
  if (presence(now) != Presence::absent || presence(before(now)) != Presence::there) return;
  rename_or_throw(before(now), now);
}

void link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code fault;
  fs::create_directories(to.parent_path(), fault);
  fs::remove(to, fault);
  // The file itself, if it is a link; `link` alone differs there between systems.
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0) == 0) return;
  fs::copy(from, to, fs::copy_options::copy_symlinks, fault);
  struct stat info {};
  if (fault || ::lstat(from.c_str(), &info) != 0) {
    throw Error(Code::precondition, "cannot write '" + to.string() + "': " + fault.message());
  }
#ifdef __APPLE__
  const timespec times[2] = {info.st_atimespec, info.st_mtimespec};
#else
  const timespec times[2] = {info.st_atim, info.st_mtim};
#endif
  ::utimensat(AT_FDCWD, to.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

}  // namespace workflow::client
