#include "remote/sync/walk.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "common/error.h"
#include "remote/sync/entry.h"

namespace workflow::sync {
namespace {

std::string what_it_is(mode_t mode) {
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

std::vector<std::string> names_in(const fs::path& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
  std::vector<std::string> names;
  if (!dir && errno == ENOENT) return names;
  if (!dir) throw_errno("cannot read '" + shown(path.string()) + "'");
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr && errno != 0) throw_errno("cannot read '" + shown(path.string()) + "'");
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Walk::Walk(fs::path root) : root_(std::move(root)) {
  struct stat info {};
  if (::lstat(root_.c_str(), &info) == 0) return;
  const bool absent = errno == ENOENT || errno == ENOTDIR;
  throw_errno("cannot copy '" + shown(root_.string()) + "'",
              absent ? Code::not_found : Code::precondition);
}

std::optional<Walk::Found> Walk::look(const std::string& below) {
  Found found{below.empty() ? root_ : root_ / below, below, {}};
  if (::lstat(found.path.c_str(), &found.info) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw_errno("cannot read '" + shown(found.path.string()) + "'");
  }
  const mode_t mode = found.info.st_mode;
  if (S_ISDIR(mode)) enter(found);
  if (S_ISDIR(mode) || S_ISREG(mode) || S_ISLNK(mode)) return found;
  throw Error(Code::precondition,
              "'" + shown(found.path.string()) + "' is " + what_it_is(mode) +
                  "; only files, directories and symbolic links are copied",
              "leave it out, or name the parts that you want");
}

void Walk::enter(const Found& directory) {
  levels_.push_back({directory.below, names_in(directory.path), 0});
}

std::optional<Walk::Found> Walk::next() {
  if (!begun_) {
    begun_ = true;
    return look("");
  }
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.at == level.names.size()) {
      levels_.pop_back();
      continue;
    }
    const std::string& name = level.names[level.at++];
    if (auto found = look(level.below.empty() ? name : level.below + "/" + name)) return found;
  }
  return std::nullopt;
}

}  // namespace workflow::sync
