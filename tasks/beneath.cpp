#include "tasks/beneath.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace workflow::tasks {

UniqueFd open_dir_at(int dir, const char* name) {
  return UniqueFd(::openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

std::vector<std::string> names_in(int dir, int& error) {
  std::vector<std::string> names;
  const int fd = ::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> list(fd >= 0 ? ::fdopendir(fd) : nullptr, &::closedir);
  error = list ? 0 : errno;
  while (list) {
    errno = 0;
    const dirent* entry = ::readdir(list.get());
    if (entry == nullptr) {
      error = errno;
      break;
    }
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string target_of(int dir, const std::string& name) {
  std::array<char, 4096> text{};
  const ssize_t n = ::readlinkat(dir, name.c_str(), text.data(), text.size());
  return {text.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

ssize_t read_at(int fd, char* into, std::size_t size, std::int64_t at) {
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = ::pread(fd, into + have, size - have, at + static_cast<std::int64_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  return static_cast<ssize_t>(have);
}

}  // namespace workflow::tasks
