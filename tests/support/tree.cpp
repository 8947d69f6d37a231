#include "tests/support/tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <stdexcept>

namespace workflow::test {
namespace {

void put(const fs::path& path, const std::string& bytes, mode_t mode, std::int64_t mtime) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;  // a record's writer needs a longer name
  ::chmod(path.c_str(), mode);
  const timespec times[2] = {{mtime, 0}, {mtime, 123'456'789}};
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

}  // namespace

std::map<std::string, std::string> snapshot(const fs::path& root) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    struct stat info {};
    if (::lstat(entry.path().c_str(), &info) != 0) throw std::runtime_error("lstat");
    std::string told = std::to_string(info.st_mode);
    if (S_ISLNK(info.st_mode)) {
      told += " -> " + fs::read_symlink(entry.path()).string();
    } else {
      told +=
          " " + std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
    }
    if (S_ISREG(info.st_mode)) told += " " + read_file(entry.path());
    all[entry.path().lexically_relative(root).string()] = told;
  }
  return all;
}

void make_hostile_tree(const fs::path& root) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  put(root / "every byte", all, 0644, 1'000'000'000);
  put(root / "empty", "", 0600, 1);
  put(root / "new\nline \"quoted\" 'x' $(id) `y` ; * ? [a] \\", "1", 0755, 1'700'000'000);
  put(root / "not utf-8 \xff\xfe", "2", 0400, 1'700'000'001);
  put(root / "-rf", "3", 0644, -5);
  put(root / ":colon", "4", 0644, 7);
  put(root / std::string(255, 'n'), "5", 0644, 8);
  put(root / "deep/er/and/deep er/\xc3\xa4", std::string(300'000, 'z'), 0640, 9);
  for (int i = 0; i < 300; ++i) put(root / "many" / std::to_string(i), std::to_string(i), 0644, i);
  fs::create_directories(root / "empty directory");
  fs::create_symlink("../outside", root / "link outside");
  fs::create_symlink("/etc", root / "deep/link to a directory");
  fs::create_symlink("no\nsuch \xff", root / "dangling");
  fs::permissions(root / "deep/er", fs::perms(0500));
  for (const char* dir :
       {"deep/er/and/deep er", "deep/er/and", "deep/er", "deep", "many", "empty directory"}) {
    const timespec times[2] = {{50, 0}, {60, 70}};
    ::utimensat(AT_FDCWD, (root / dir).c_str(), times, 0);
  }
}

std::size_t temporary_files(const fs::path& root) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().filename().string().rfind(".workflow-cp-", 0) == 0) ++count;
  }
  return count;
}

}  // namespace workflow::test
