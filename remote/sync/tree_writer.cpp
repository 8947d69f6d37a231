#include "remote/sync/tree_writer.h"

#include <fcntl.h>
#include <sys/file.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/text.h"

namespace workflow::sync {
namespace {

constexpr int open_directory_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr std::int64_t flush_every = 16 << 20;

[[noreturn]] void cannot(const std::string& what, const std::string& path) {
  throw_errno("cannot " + what + " '" + shown(path) + "'");
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

Error is_a_directory(const std::string& path) {
  return Error(Code::exists, "'" + shown(path) + "' is a directory there and is not replaced");
}

/// One that no other copy has.
std::string temporary_name() {
  static const std::string ours = ".workflow-cp-" + random_hex(8) + "-";
  static std::atomic<std::uint64_t> count{0};
  return ours + std::to_string(++count);
}

}  // namespace

TreeWriter::TreeWriter(fs::path root, Options options)
    : root_(std::move(root)), options_(options) {}

TreeWriter::~TreeWriter() {
  if (!keep_) drop_file();
}

std::optional<struct stat> TreeWriter::look(const std::string& path) {
  struct stat info {};
  try {
    const Place at = place(path);
    if (::fstatat(at.dir, at.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return info;
  } catch (const Error&) {  // told when something is written there
  }
  return std::nullopt;
}

UniqueFd TreeWriter::open(const std::string& path) {
  const Place at = place(path);
  return UniqueFd(
      ::openat(at.dir, at.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

TreeWriter::Place TreeWriter::place(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
  if (path.empty()) {
    open_above_root();
    return {parent_.get(), root_.filename().string(), root_.string()};
  }
  if (!parent_known_ || parent_path_ != parent) {
    parent_ = open_directory(parent);
    parent_path_ = parent;
    parent_known_ = true;
  }
  return {parent_.get(), path.substr(slash == std::string::npos ? 0 : slash + 1),
          (root_ / path).string()};
}

void TreeWriter::open_above_root() {
  const fs::path above = root_.has_parent_path() ? root_.parent_path() : fs::path(".");
  parent_ = UniqueFd(::open(above.c_str(), open_directory_flags));
  parent_known_ = false;
  if (!parent_.valid() && (errno == ENOENT || errno == ENOTDIR)) {
    throw Error(Code::not_found, "there is no directory '" + shown(above.string()) + "'",
                "make it first, or write a final slash: the destination then is a directory");
  }
  if (!parent_.valid()) cannot("open", above.string());
}

UniqueFd TreeWriter::open_directory(const std::string& path) const {
  UniqueFd dir(
      ::open(root_.c_str(), open_directory_flags | (options_.root_is_there ? 0 : O_NOFOLLOW)));
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

void TreeWriter::make_directory(const Entry& entry) {
  if (entry.path.empty() && options_.root_is_there) return;
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

void TreeWriter::make_link(const Entry& entry) {
  const Place at = place(entry.path);
  temporary_ = temporary_name();
  if (::symlinkat(entry.target.c_str(), at.dir, temporary_.c_str()) != 0) {
    temporary_.clear();
    cannot("make", at.shown);
  }
  ::utimensat(at.dir, temporary_.c_str(), times_of(entry).data(), AT_SYMLINK_NOFOLLOW);
  rename_temporary(at);
}

void TreeWriter::begin_file(const Entry& entry, std::optional<Part> part) {
  drop_file();
  file_place_ = place(entry.path);
  if (part) return go_on(*std::move(part));
  keep_ = false;
  hash_ = Sha256();
  written_ = flushed_ = 0;
  temporary_ = options_.unseen ? file_place_.name : temporary_name();
  file_ = UniqueFd(::openat(file_place_.dir, temporary_.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                            options_.unseen ? static_cast<mode_t>(entry.mode) : 0600));
  if (file_.valid()) return;
  temporary_.clear();
  cannot("write", file_place_.shown);
}

/// Its name is no secret: the lock says that nobody else writes it, and the second look that nobody
/// has given it its file's name in between.
void TreeWriter::go_on(Part part) {
  file_ = UniqueFd(::openat(file_place_.dir, part.name.c_str(),
                            O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  struct stat is {};
  struct stat named {};
  if (!file_.valid() || ::fstat(file_.get(), &is) != 0) cannot("write", file_place_.shown);
  const bool ours =
      ::flock(file_.get(), LOCK_EX | LOCK_NB) == 0 &&
      ::fstatat(file_place_.dir, part.name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
      named.st_ino == is.st_ino && named.st_dev == is.st_dev;
  if (!ours || !S_ISREG(is.st_mode) || is.st_nlink != 1 || is.st_size < part.bytes) {
    file_.reset();
    throw Error(Code::busy, "'" + shown(file_place_.shown) + "' is being written by another copy",
                "the same command again, when that has ended, brings what is missing");
  }
  keep_ = true;
  temporary_ = std::move(part.name);
  written_ = part.bytes;
  hash_ = part.hash;
  if (::ftruncate(file_.get(), written_) != 0 || ::lseek(file_.get(), written_, SEEK_SET) < 0) {
    cannot("write", file_place_.shown);
  }
}

void TreeWriter::write(std::string_view bytes) {
  if (!write_all(file_.get(), bytes)) cannot("write", file_place_.shown);
  if (options_.hashed) hash_.update(bytes);
  written_ += static_cast<std::int64_t>(bytes.size());
  if (options_.unseen && written_ - flushed_ >= flush_every) begin_flush();
}

/// Or all of it would wait for the flush at the tree's end.
void TreeWriter::begin_flush() {
#ifdef __linux__
  (void)::sync_file_range(file_.get(), flushed_, written_ - flushed_, SYNC_FILE_RANGE_WRITE);
#endif
  flushed_ = written_;
}

void TreeWriter::leave_out(std::int64_t bytes) {
  if (bytes < 0 || ::ftruncate(file_.get(), written_ + bytes) != 0 ||
      ::lseek(file_.get(), bytes, SEEK_CUR) < 0) {
    cannot("write", file_place_.shown);
  }
  if (options_.hashed) hash_.update_zeros(bytes);
  written_ += bytes;
}

std::optional<std::string> TreeWriter::end_file(const Entry& entry, const std::string& expected) {
  std::string is = options_.hashed ? hash_.hex() : std::string();
  if (!expected.empty() && is != expected) {
    drop_file();
    return std::nullopt;
  }
  const bool given =
      options_.unseen || (::fchmod(file_.get(), static_cast<mode_t>(entry.mode)) == 0 &&
                          ::futimens(file_.get(), times_of(entry).data()) == 0);
  if (!given || ::close(file_.release()) != 0) {  // a file system may only now say that it is full
    cannot("write", file_place_.shown);
  }
  if (!options_.unseen) rename_temporary(file_place_);
  temporary_.clear();
  return is;
}

void TreeWriter::drop_file() {
  file_.reset();
  if (!temporary_.empty()) ::unlinkat(parent_.get(), temporary_.c_str(), 0);
  temporary_.clear();
}

/// A rename would put a file in the place of /dev/null.
void TreeWriter::require_no_device(const Place& at) {
  struct stat info {};
  if (::fstatat(at.dir, at.name.c_str(), &info, 0) != 0) return;
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) return;
  throw Error(Code::refused, "'" + shown(at.shown) +
                                 "' is a device, a pipe or a socket; nothing is written over it");
}

void TreeWriter::rename_temporary(const Place& at) {
  require_no_device(at);
  if (::renameat(at.dir, temporary_.c_str(), at.dir, at.name.c_str()) != 0) {
    if (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST) throw is_a_directory(at.shown);
    cannot("write", at.shown);
  }
  temporary_.clear();
}

void TreeWriter::end_directories() {
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
