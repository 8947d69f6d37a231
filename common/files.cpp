#include "common/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/text.h"
#include "common/unique_fd.h"

namespace workflow {
namespace {

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

/// What to do about a disk that takes no more.
std::string remedy(int error, const fs::path& path) {
  if (error == EROFS) return "it is mounted read-only: mount it for writing";
  if (error == EDQUOT) return "your quota is used up there: remove what you do not need";
  struct statvfs info {};
  if (error != ENOSPC || ::statvfs(path.parent_path().c_str(), &info) != 0) return {};
  if (info.f_files > 0 && info.f_favail == 0) return "no more files fit there: remove small ones";
  const auto bytes = [&info](fsblkcnt_t blocks) {
    return human_bytes(static_cast<double>(blocks) * static_cast<double>(info.f_frsize));
  };
  return "make room there: " + bytes(info.f_bavail) + " of " + bytes(info.f_blocks) + " free";
}

[[noreturn]] void cannot_write(const fs::path& path) {
  const int error = errno;
  throw Error(Code::precondition, "cannot write " + quoted(path) + ": " + errno_text(error),
              remedy(error, path));
}

void sync_dir(const fs::path& dir) {
  const UniqueFd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) ::fsync(fd.get());  // some file systems cannot, and lose nothing by it
}

fs::path parent_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

std::optional<std::string> slurp(int fd, const fs::path& path) {
  std::string out;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && info.st_size > 0)
    out.reserve(static_cast<std::size_t>(info.st_size));
  char buffer[65536];
  while (true) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("cannot read " + quoted(path));
    if (n == 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

class RealFiles final : public Files {
 public:
  std::optional<std::string> read(const fs::path& path) override {
    const UniqueFd fd = open_regular(path);
    if (!fd.valid()) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      throw_errno("cannot read " + quoted(path));
    }
    return slurp(fd.get(), path);
  }

  void write(const fs::path& path, std::string_view bytes, WriteMode mode) override {
    const fs::path temporary =
        parent_of(path) / ("." + path.filename().string() + "." + random_hex(4) + ".tmp");
    UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode.mode));
    if (!fd.valid()) cannot_write(path);
    try {
      if (!write_all(fd.get(), bytes)) cannot_write(path);
      if (mode.durable && ::fsync(fd.get()) != 0) cannot_write(path);
      fd.reset();
      if (::rename(temporary.c_str(), path.c_str()) != 0) {
        cannot_write(path);
      }
    } catch (...) {
      ::unlink(temporary.c_str());
      throw;
    }
    if (mode.durable && mode.name_durable) sync_dir(parent_of(path));
  }

  void append(const fs::path& path, std::string_view bytes, WriteMode mode) override {
    const bool fresh = ::access(path.c_str(), F_OK) != 0;
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode.mode));
    if (!fd.valid()) cannot_write(path);
    if (!write_all(fd.get(), bytes)) cannot_write(path);
    if (mode.durable && ::fdatasync(fd.get()) != 0) cannot_write(path);
    if (mode.durable && fresh) sync_dir(parent_of(path));
  }

  void make_dirs(const fs::path& path) override {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) {
      throw Error(Code::precondition,
                  "cannot make directory " + quoted(path) + ": " + error.message(),
                  remedy(error.value(), path));
    }
  }

  void rename(const fs::path& from, const fs::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      throw_errno("cannot move " + quoted(from) + " to " + quoted(to));
    }
    sync_dir(parent_of(to));
    if (parent_of(from) != parent_of(to)) sync_dir(parent_of(from));
  }

  std::vector<std::string> list(const fs::path& dir) override {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
      names.push_back(it->path().filename().string());
    }
    if (error && error != std::errc::no_such_file_or_directory) {
      throw Error(Code::precondition, "cannot list " + quoted(dir) + ": " + error.message());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
};

}  // namespace

Files& real_files() {
  static RealFiles files;
  return files;
}

UniqueFd open_regular(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (fd.valid() && (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))) {
    fd.reset();
    errno = EINVAL;
  }
  return fd;
}

void require_no_symlink(const fs::path& root, const fs::path& path) {
  fs::path at = root;
  for (const auto& part : path.lexically_relative(root)) {
    at /= part;
    if (!fs::is_symlink(fs::symlink_status(at))) continue;
    throw Error(Code::precondition,
                quoted(at) + " is a symlink; nothing is read or written through it",
                "put the directory itself there");
  }
}

Presence presence(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return Presence::there;
  return errno == ENOENT || errno == ENOTDIR ? Presence::absent : Presence::unknown;
}

FileTail read_tail(const fs::path& path, std::int64_t limit) {
  FileTail tail;
  const UniqueFd fd = open_regular(path);
  if (!fd.valid()) return tail;
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return tail;
  tail.size = info.st_size;
  tail.offset = std::max<std::int64_t>(0, tail.size - limit);
  tail.bytes.resize(static_cast<std::size_t>(tail.size - tail.offset));
  std::size_t have = 0;
  while (have < tail.bytes.size()) {
    const ssize_t n = ::pread(fd.get(), tail.bytes.data() + have, tail.bytes.size() - have,
                              tail.offset + static_cast<std::int64_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  tail.bytes.resize(have);
  return tail;
}

fs::path free_name(const fs::path& dir, std::string_view stamp) {
  fs::path path = dir / stamp;
  for (int n = 2; fs::exists(fs::symlink_status(path)); ++n) {
    path = dir / (std::string(stamp) + "-" + std::to_string(n));
  }
  return path;
}

std::string read_file(const fs::path& path) {
  auto bytes = real_files().read(path);
  if (!bytes) throw Error(Code::not_found, "no such file: " + quoted(path));
  return *std::move(bytes);
}

}  // namespace workflow
