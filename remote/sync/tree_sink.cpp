#include "remote/sync/tree_sink.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/text.h"
#include "remote/sync/below.h"

namespace workflow::sync {
namespace {

constexpr int open_directory_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

[[noreturn]] void cannot(const std::string& what, const std::string& path) {
  throw_errno("cannot " + what + " '" + shown(path) + "'");
}

Error leads_out(const std::string& path) {
  return Error(Code::refused, "the other side sent the path '" + shown(path) +
                                  "', which leads out of the destination; it was not written");
}

void require_harmless(const std::string& path) {
  if (!path.empty() && !stays_below(path)) throw leads_out(path);
}

std::array<timespec, 2> times_of(const Entry& entry) {
  timespec at{};
  at.tv_sec = static_cast<time_t>(entry.mtime_ns / 1'000'000'000);
  at.tv_nsec = static_cast<long>(entry.mtime_ns % 1'000'000'000);
  if (at.tv_nsec < 0) {  // before 1970
    at.tv_nsec += 1'000'000'000;
    at.tv_sec -= 1;
  }
  return {at, at};
}

/// Its own directory's entry has to be nameable: no slash behind it.
fs::path without_slash(const fs::path& path) {
  std::string text = path.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

Error is_a_directory(const std::string& path) {
  return Error(Code::exists, "'" + shown(path) + "' is a directory there and is not replaced");
}

}  // namespace

TreeSink::TreeSink(Destination destination) : destination_(std::move(destination)) {
  const bool slash = destination_.path.string().back() == '/';
  destination_.path = without_slash(destination_.path);
  const std::string text = destination_.path.string();
  std::error_code fault;
  into_ = fs::is_directory(destination_.path, fault);
  if (into_ || (!destination_.directory && !slash)) return;
  if (fs::exists(destination_.path, fault)) {
    throw Error(Code::exists, "'" + shown(text) + "' is not a directory");
  }
  if (!fs::create_directories(destination_.path, fault) && fault) {
    throw Error(Code::precondition, "cannot make '" + shown(text) + "': " + fault.message());
  }
  into_ = true;
}

TreeSink::~TreeSink() { drop_temporary(); }

void TreeSink::feed(std::string_view bytes) {
  in_.feed(bytes);
  while (true) {
    if (file_.valid()) {
      const auto some = in_.some(static_cast<std::size_t>(std::min<std::int64_t>(left_, 1 << 20)));
      if (some.empty()) return;
      write_bytes(some);
    } else {
      const auto line = in_.line();
      if (!line) return;
      take(entry_from(*line));
    }
  }
}

void TreeSink::finish() {
  if (!ended_) throw Error(Code::unreachable, "the copy was cut short");
}

void TreeSink::take(const Entry& entry) {
  if (ended_) throw Error(Code::unreachable, "the copy arrived damaged");
  require_harmless(entry.path);
  switch (entry.kind) {
    case Kind::source:
      return begin_source(entry);
    case Kind::directory:
      return make_directory(entry);
    case Kind::file:
      return begin_file(entry);
    case Kind::link:
      return make_link(entry);
    case Kind::end:
      end_directories();
      ended_ = true;
      return;
  }
}

void TreeSink::begin_source(const Entry& entry) {
  // A source has a name, not a path: the part before a slash could be a link that was just sent.
  if (entry.path.find('/') != std::string::npos) throw leads_out(entry.path);
  if (const auto& asked = destination_.asked) {
    const bool expected = sources_ < asked->size() &&
                          ((*asked)[sources_].empty() || (*asked)[sources_] == entry.path);
    if (!expected) {
      throw Error(Code::refused, "the other side sent '" + shown(entry.path) +
                                     "', which was not asked for; it was not written");
    }
  }
  sources_ += 1;
  end_directories();
  const bool into_name = into_ && !entry.path.empty();
  root_ = into_name ? destination_.path / entry.path : destination_.path;
  root_was_there_ = into_ && !into_name;
  parent_known_ = false;
}

TreeSink::Place TreeSink::place(const std::string& path) {
  Place place;
  place.shown = (path.empty() ? root_ : root_ / path).string();
  if (root_.empty()) throw Error(Code::unreachable, "the copy arrived damaged");
  const auto slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
  if (path.empty()) {
    const fs::path above = root_.has_parent_path() ? root_.parent_path() : fs::path(".");
    parent_ = UniqueFd(::open(above.c_str(), open_directory_flags));
    parent_known_ = false;
    if (!parent_.valid() && (errno == ENOENT || errno == ENOTDIR)) {
      throw Error(Code::not_found, "there is no directory '" + shown(above.string()) + "'",
                  "make it first, or write a final slash: the destination then is a directory");
    }
    if (!parent_.valid()) cannot("open", above.string());
    place.name = root_.filename().string();
  } else {
    if (!parent_known_ || parent_path_ != parent) {
      parent_ = open_directory(parent);
      parent_path_ = parent;
      parent_known_ = true;
    }
    place.name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  }
  place.dir = parent_.get();
  return place;
}

UniqueFd TreeSink::open_directory(const std::string& path) const {
  UniqueFd dir(::open(root_.c_str(), open_directory_flags | (root_was_there_ ? 0 : O_NOFOLLOW)));
  fs::path at = root_;
  if (dir.valid() && !path.empty()) {
    for (const auto& part : split(path, '/')) {
      at /= part;
      dir = UniqueFd(::openat(dir.get(), part.c_str(), open_directory_flags | O_NOFOLLOW));
      if (!dir.valid()) break;
    }
  }
  if (!dir.valid() && (errno == ELOOP || errno == ENOTDIR)) {
    throw Error(Code::exists, "'" + shown(at.string()) + "' is no directory there; a symbolic " +
                                  "link below the destination is not followed");
  }
  if (!dir.valid()) cannot("open", at.string());
  return dir;
}

void TreeSink::make_directory(const Entry& entry) {
  sum_.directories += 1;
  if (entry.path.empty() && root_was_there_) return;
  const Place at = place(entry.path);
  // Its own mode may forbid writing: that comes when everything is in it.
  struct stat info {};
  if (::mkdirat(at.dir, at.name.c_str(), 0700) != 0) {
    if (errno != EEXIST) cannot("make", at.shown);
    if (::fstatat(at.dir, at.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISDIR(info.st_mode)) {
      throw Error(Code::exists, "'" + shown(at.shown) + "' is no directory there");
    }
  }
  directories_.push_back(entry);
}

void TreeSink::make_link(const Entry& entry) {
  const Place at = place(entry.path);
  temporary_ = ".workflow-cp-" + random_hex(8);
  if (::symlinkat(entry.target.c_str(), at.dir, temporary_.c_str()) != 0) {
    temporary_.clear();
    cannot("make", at.shown);
  }
  ::utimensat(at.dir, temporary_.c_str(), times_of(entry).data(), AT_SYMLINK_NOFOLLOW);
  rename_temporary(at);
  sum_.links += 1;
}

void TreeSink::begin_file(const Entry& entry) {
  file_place_ = place(entry.path);
  temporary_ = ".workflow-cp-" + random_hex(8);
  file_ = UniqueFd(::openat(file_place_.dir, temporary_.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file_.valid()) {
    temporary_.clear();
    cannot("write", file_place_.shown);
  }
  file_entry_ = entry;
  left_ = entry.size;
  if (left_ == 0) end_file();
}

void TreeSink::write_bytes(std::string_view bytes) {
  left_ -= static_cast<std::int64_t>(bytes.size());
  sum_.bytes += static_cast<std::int64_t>(bytes.size());
  if (!write_all(file_.get(), bytes)) cannot("write", file_place_.shown);
  if (left_ == 0) end_file();
}

void TreeSink::end_file() {
  if (::fchmod(file_.get(), static_cast<mode_t>(file_entry_.mode)) != 0 ||
      ::futimens(file_.get(), times_of(file_entry_).data()) != 0 ||
      ::close(file_.release()) != 0) {  // a file system may only now say that it is full
    cannot("write", file_place_.shown);
  }
  rename_temporary(file_place_);
  sum_.files += 1;
}

/// A rename would put a file in the place of /dev/null.
void TreeSink::require_no_device(const Place& at) {
  struct stat info {};
  if (::fstatat(at.dir, at.name.c_str(), &info, 0) != 0) return;
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) return;
  throw Error(Code::refused, "'" + shown(at.shown) +
                                 "' is a device, a pipe or a socket; nothing is written over it");
}

void TreeSink::rename_temporary(const Place& at) {
  require_no_device(at);
  if (::renameat(at.dir, temporary_.c_str(), at.dir, at.name.c_str()) != 0) {
    if (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST) throw is_a_directory(at.shown);
    cannot("write", at.shown);
  }
  temporary_.clear();
}

void TreeSink::drop_temporary() {
  file_.reset();
  if (!temporary_.empty()) ::unlinkat(parent_.get(), temporary_.c_str(), 0);
  temporary_.clear();
}

void TreeSink::end_directories() {
  for (auto made = directories_.rbegin(); made != directories_.rend(); ++made) {
    const UniqueFd dir = open_directory(made->path);
    const bool done = ::fchmod(dir.get(), static_cast<mode_t>(made->mode)) == 0 &&
                      ::futimens(dir.get(), times_of(*made).data()) == 0;
    // One that was there before may be somebody else's.
    if (!done && errno != EPERM) cannot("set the mode of", (root_ / made->path).string());
  }
  directories_.clear();
}

}  // namespace workflow::sync
