#include "remote/sync/below.h"

#include <fcntl.h>

#include "common/text.h"

namespace workflow::sync {

bool stays_below(std::string_view path) {
  for (const auto& part : split(path, '/')) {
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string::npos) {
      return false;
    }
  }
  return true;
}

UniqueFd open_below(const fs::path& root, std::string_view path, int flags, mode_t mode) {
  constexpr int directory = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
  UniqueFd dir(::open(root.c_str(), directory));
  const auto parts = split(path, '/');
  for (std::size_t i = 0; i + 1 < parts.size() && dir.valid(); ++i) {
    dir = UniqueFd(::openat(dir.get(), parts[i].c_str(), directory));
  }
  if (!dir.valid()) return {};
  return UniqueFd(::openat(dir.get(), parts.back().c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
}

std::int64_t mtime_ns(const struct stat& info) {
#ifdef __APPLE__
  const timespec& at = info.st_mtimespec;
#else
  const timespec& at = info.st_mtim;
#endif
  return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

}  // namespace workflow::sync
