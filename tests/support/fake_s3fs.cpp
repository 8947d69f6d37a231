// A fake of s3fs for tests, as a real FUSE file system over a directory. Like its model it renames
// by copying, so that a part of the new file can be seen; its flock does nothing; it refuses to
// append to what was closed. On demand it hangs, or stops in the middle of a rename.
//   fake_s3fs BACKING CONTROL MOUNT
// While CONTROL/hang is there, nothing is answered. While CONTROL/tear is there, a rename to the
// name that it holds copies half of the file and fails.
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <fcntl.h>
#include <fuse.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

fs::path backing;
fs::path control;

/// The file behind a path; waits as long as the file system is to hang.
std::string real(const char* path) {
  while (::access((control / "hang").c_str(), F_OK) == 0) ::poll(nullptr, 0, 10);
  return backing.string() + path;
}

int answer(int result) { return result < 0 ? -errno : result; }

bool is_torn(const std::string& to) {
  std::string name;
  std::ifstream(control / "tear") >> name;
  return !name.empty() && fs::path(to).filename() == name;
}

/// As s3fs does it: a copy of the bytes in the place of the old ones, then the old name goes.
int rename_by_copy(const std::string& from, const std::string& to) {
  const int in = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (in < 0) return -errno;
  struct stat info {};
  ::fstat(in, &info);
  const off_t end = is_torn(to) ? info.st_size / 2 : info.st_size;
  ::unlink(to.c_str());
  const int out = ::open(to.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, info.st_mode & 0777);
  std::array<char, 4096> buffer{};
  for (off_t at = 0; out >= 0 && at < end;) {
    const auto wish = std::min<off_t>(static_cast<off_t>(buffer.size()), end - at);
    const ssize_t n = ::pread(in, buffer.data(), static_cast<std::size_t>(wish), at);
    if (n <= 0 || ::pwrite(out, buffer.data(), static_cast<std::size_t>(n), at) != n) break;
    at += n;
  }
  const std::array<timespec, 2> times{info.st_atim, info.st_mtim};
  ::futimens(out, times.data());
  ::close(in);
  if (out < 0 || ::close(out) != 0 || end != info.st_size) return -EIO;
  return answer(::unlink(from.c_str()));
}

int fake_rename(const char* from, const char* to, unsigned int flags) {
  const std::string source = real(from);
  struct stat info {};
  if (flags != 0) return -EINVAL;
  if (::lstat(source.c_str(), &info) != 0) return -errno;
  if (!S_ISREG(info.st_mode)) return answer(::rename(source.c_str(), real(to).c_str()));
  return rename_by_copy(source, real(to));
}

int fake_open(const char* path, fuse_file_info* file) {
  const std::string there = real(path);
  struct stat info {};
  const bool appends = (file->flags & O_APPEND) != 0;
  if (appends && ::stat(there.c_str(), &info) == 0 && info.st_size > 0) return -EOPNOTSUPP;
  const int fd = ::open(there.c_str(), file->flags & ~(O_APPEND | O_NOFOLLOW));
  file->fh = static_cast<std::uint64_t>(fd);
  return fd < 0 ? -errno : 0;
}

int fake_create(const char* path, mode_t mode, fuse_file_info* file) {
  const int fd = ::open(real(path).c_str(), file->flags & ~O_APPEND, mode);
  file->fh = static_cast<std::uint64_t>(fd);
  return fd < 0 ? -errno : 0;
}

int fake_getattr(const char* path, struct stat* info, fuse_file_info*) {
  return answer(::lstat(real(path).c_str(), info));
}

int fake_readdir(const char* path, void* into, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                 fuse_readdir_flags) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(real(path), error)) {
    fill(into, entry.path().filename().c_str(), nullptr, 0, fuse_fill_dir_flags{});
  }
  return error ? -error.value() : 0;
}

int fake_readlink(const char* path, char* into, std::size_t size) {
  const ssize_t n = ::readlink(real(path).c_str(), into, size - 1);
  if (n < 0) return -errno;
  into[n] = '\0';
  return 0;
}

int handle(const fuse_file_info* file) { return static_cast<int>(file->fh); }

int fake_truncate(const char* path, off_t size, fuse_file_info*) {
  return answer(::truncate(real(path).c_str(), size));
}

int fake_utimens(const char* path, const timespec times[2], fuse_file_info*) {
  return answer(::utimensat(AT_FDCWD, real(path).c_str(), times, AT_SYMLINK_NOFOLLOW));
}

int fake_chmod(const char* path, mode_t mode, fuse_file_info*) {
  return answer(::chmod(real(path).c_str(), mode));
}

void* no_cache(fuse_conn_info*, fuse_config* config) {
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  return nullptr;
}

fuse_operations operations() {
  fuse_operations all{};
  all.init = no_cache;
  all.getattr = fake_getattr;
  all.readdir = fake_readdir;
  all.readlink = fake_readlink;
  all.rename = fake_rename;
  all.open = fake_open;
  all.create = fake_create;
  all.truncate = fake_truncate;
  all.utimens = fake_utimens;
  all.chmod = fake_chmod;
  all.chown = [](const char* path, uid_t user, gid_t group, fuse_file_info*) {
    return answer(::lchown(real(path).c_str(), user, group));
  };
  all.mkdir = [](const char* path, mode_t mode) {
    return answer(::mkdir(real(path).c_str(), mode));
  };
  all.rmdir = [](const char* path) { return answer(::rmdir(real(path).c_str())); };
  all.unlink = [](const char* path) { return answer(::unlink(real(path).c_str())); };
  all.symlink = [](const char* target, const char* path) {
    return answer(::symlink(target, real(path).c_str()));
  };
  all.read = [](const char* path, char* into, std::size_t size, off_t at, fuse_file_info* file) {
    (void)real(path);
    return answer(static_cast<int>(::pread(handle(file), into, size, at)));
  };
  all.write = [](const char* path, const char* bytes, std::size_t size, off_t at,
                 fuse_file_info* file) {
    (void)real(path);
    return answer(static_cast<int>(::pwrite(handle(file), bytes, size, at)));
  };
  all.fsync = [](const char* path, int, fuse_file_info* file) {
    (void)real(path);
    return answer(::fsync(handle(file)));
  };
  all.release = [](const char*, fuse_file_info* file) { return answer(::close(handle(file))); };
  all.flock = [](const char*, fuse_file_info*, int) { return 0; };
  all.statfs = [](const char* path, struct statvfs* info) {
    return answer(::statvfs(real(path).c_str(), info));
  };
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  backing = argv[1];
  control = argv[2];
  const fuse_operations all = operations();
  std::vector<std::string> words{argv[0], "-f", "-o", "fsname=bucket,subtype=s3fs", argv[3]};
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  return fuse_main(static_cast<int>(pointers.size()), pointers.data(), &all, nullptr);
}
