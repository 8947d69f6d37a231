#include "remote/sync/tree_source.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/error.h"
#include "common/fd_io.h"
#include "remote/sync/below.h"

namespace workflow::sync {
namespace {

constexpr std::size_t piece_size = 256U << 10U;

std::string link_target(const fs::path& path) {
  std::error_code fault;
  const fs::path target = fs::read_symlink(path, fault);
  if (fault) {
    throw Error(Code::precondition,
                "cannot read the link '" + shown(path.string()) + "': " + fault.message());
  }
  return target.string();
}

}  // namespace

std::string source_name(const fs::path& path) {
  std::string text = path.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  const std::string name = text.substr(text.rfind('/') + 1);
  return name == "." || name == ".." ? std::string() : name;
}

TreeSource::TreeSource(std::vector<fs::path> paths) : paths_(std::move(paths)) {
  for (const auto& path : paths_) {
    Walk walk(path);
    while (const auto found = walk.next()) {
      if (S_ISDIR(found->info.st_mode)) sum_.directories += 1;
      if (S_ISLNK(found->info.st_mode)) sum_.links += 1;
      if (!S_ISREG(found->info.st_mode)) continue;
      if (::access(found->path.c_str(), R_OK) != 0 && errno != ENOENT) {
        throw_errno("cannot read '" + shown(found->path.string()) + "'");
      }
      sum_.files += 1;
      sum_.bytes += found->info.st_size;
    }
  }
}

std::optional<std::string> TreeSource::next() {
  piece_.clear();
  while (!ended_ && piece_.size() < piece_size) {
    if (left_ > 0) {
      add_bytes();
    } else {
      add_next();
    }
  }
  if (piece_.empty()) return std::nullopt;
  return std::exchange(piece_, std::string());
}

void TreeSource::add_next() {
  if (walk_) {
    if (const auto found = walk_->next()) return add_found(*found);
    walk_.reset();
  } else if (at_ < paths_.size()) {
    const fs::path& path = paths_[at_++];
    piece_ += entry_line({.kind = Kind::source, .path = source_name(path)});
    walk_.emplace(path);
  } else {
    piece_ += entry_line({.kind = Kind::end});
    ended_ = true;
  }
}

void TreeSource::add_found(const Walk::Found& found) {
  Entry entry{.kind = Kind::directory,
              .path = found.below,
              .mode = found.info.st_mode & 0777U,
              .mtime_ns = mtime_ns(found.info)};
  if (S_ISLNK(found.info.st_mode)) {
    entry.kind = Kind::link;
    entry.target = link_target(found.path);
  } else if (S_ISREG(found.info.st_mode)) {
    entry.kind = Kind::file;
    file_ = UniqueFd(::open(found.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file_.valid() && errno == ENOENT) return;  // vanished since
    file_name_ = found.path.string();
    struct stat now {};
    if (!file_.valid() || ::fstat(file_.get(), &now) != 0) {
      throw_errno("cannot read '" + shown(file_name_) + "'");
    }
    if (!S_ISREG(now.st_mode)) {
      throw Error(Code::precondition, "'" + shown(file_name_) + "' is no file any more");
    }
    entry.size = left_ = now.st_size;
  }
  piece_ += entry_line(entry);
}

void TreeSource::add_bytes() {
  const auto want = static_cast<std::size_t>(
      std::min<std::int64_t>(left_, static_cast<std::int64_t>(piece_size)));
  const ssize_t n = append_read(file_.get(), want, piece_);
  if (n < 0) throw_errno("cannot read '" + shown(file_name_) + "'");
  if (n == 0) {
    throw Error(Code::precondition, "'" + shown(file_name_) + "' became shorter while it was read",
                "copy it again when nobody writes it");
  }
  left_ -= n;
}

}  // namespace workflow::sync
