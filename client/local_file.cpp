#include "client/local_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/fd_io.h"

namespace workflow::client {
namespace {

constexpr std::size_t piece_size = 1U << 20U;

bool set_times(int fd, std::int64_t mtime_ns) {
  timespec at{};
  at.tv_sec = static_cast<time_t>(mtime_ns / 1'000'000'000);
  at.tv_nsec = static_cast<long>(mtime_ns % 1'000'000'000);
  if (at.tv_nsec < 0) {  // before 1970
    at.tv_nsec += 1'000'000'000;
    at.tv_sec -= 1;
  }
  const timespec both[2] = {at, at};
  return ::futimens(fd, both) == 0;
}

}  // namespace

std::optional<struct stat> look(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return info;
}

bool pass(const fs::path& from, std::int64_t size, Sha256& hash, int to) {
  const UniqueFd fd = open_regular(from);
  bool written = true;
  const auto write = [&](std::string_view bytes) {
    written = written && (to < 0 || write_all(to, bytes));
  };
  return fd.valid() && pass(fd.get(), size, hash, write) && written;
}

bool pass(int fd, std::int64_t size, Sha256& hash,
          const std::function<void(std::string_view)>& to) {
  std::string buffer(piece_size, '\0');
  while (size > 0) {
    const auto most = std::min<std::int64_t>(size, static_cast<std::int64_t>(piece_size));
    const ssize_t n = ::read(fd, buffer.data(), static_cast<std::size_t>(most));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
    hash.update(bytes);
    if (to) to(bytes);
    size -= n;
  }
  return true;
}

std::string hash_of(const fs::path& file, std::int64_t size) {
  Sha256 hash;
  return pass(file, size, hash) ? hash.hex() : std::string();
}

bool finish_file(int fd, const sync::Entry& is) {
  return ::fchmod(fd, static_cast<mode_t>(is.mode | 0600U)) == 0 && set_times(fd, is.mtime_ns);
}

}  // namespace workflow::client
