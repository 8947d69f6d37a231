// The hashes that a push remembers: only of files that are surely as they were.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "client/stat_cache.h"
#include "common/sha256.h"
#include "tests/support/scratch.h"

namespace workflow::client {
namespace {

/// A cache directory of the test's own.
struct Home {
  test::Scratch at;
  Home() { ::setenv("XDG_CACHE_HOME", at.path().c_str(), 1); }
  ~Home() { ::unsetenv("XDG_CACHE_HOME"); }

  [[nodiscard]] fs::path file() const { return StatCache::place(at.path()); }
};

struct stat old_file() {
  struct stat info {};
  info.st_size = 5;
  info.st_ino = 77;
  info.st_mtime = 1'000'000;
  info.st_ctime = 1'000'000;
  return info;
}

const std::string hash = sha256_hex("hello");

void remember(const fs::path& root, const struct stat& info) {
  StatCache cache(root);
  cache.note("dir/a b\n", info, hash);
  cache.save();
}

}  // namespace

TEST_CASE("a file that is as it was need not be read") {
  const Home home;
  const struct stat info = old_file();
  CHECK_FALSE(StatCache(home.at.path()).hash_of("dir/a b\n", info));
  remember(home.at.path(), info);
  const StatCache cache(home.at.path());
  CHECK(cache.hash_of("dir/a b\n", info) == hash);
  CHECK_FALSE(cache.hash_of("dir/other", info));
  CHECK_FALSE(StatCache(home.at / "elsewhere").hash_of("dir/a b\n", info));
  struct stat changed = info;
  const std::string what = GENERATE("size", "mtime", "ctime", "inode");
  CAPTURE(what);
  if (what == "size") changed.st_size += 1;
  if (what == "mtime") changed.st_mtim.tv_nsec += 1;
  if (what == "ctime") changed.st_ctim.tv_nsec += 1;
  if (what == "inode") changed.st_ino += 1;
  CHECK_FALSE(cache.hash_of("dir/a b\n", changed));
}

TEST_CASE("a file that was changed as the cache was made is read again") {
  const Home home;
  struct stat info = old_file();
  const std::string what = GENERATE("mtime", "ctime");
  (what == "mtime" ? info.st_mtime : info.st_ctime) = ::time(nullptr);
  remember(home.at.path(), info);
  CHECK_FALSE(StatCache(home.at.path()).hash_of("dir/a b\n", info));
}

TEST_CASE("a cache that is damaged in any byte, or cut at any, is none") {
  const Home home;
  const struct stat info = old_file();
  remember(home.at.path(), info);
  const std::string whole = read_file(home.file());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    real_files().write(home.file(), bytes, {.durable = false});
    REQUIRE_FALSE(StatCache(home.at.path()).hash_of("dir/a b\n", info));
    real_files().write(home.file(), whole.substr(0, at), {.durable = false});
    REQUIRE_FALSE(StatCache(home.at.path()).hash_of("dir/a b\n", info));
  }
  remember(home.at.path(), info);
  CHECK(StatCache(home.at.path()).hash_of("dir/a b\n", info) == hash);
}

TEST_CASE("where no cache can be written there is none, and nothing else") {
  const Home home;
  real_files().write(home.at / "workflow", "a file in the way", {.durable = false});
  remember(home.at.path(), old_file());
  CHECK_FALSE(StatCache(home.at.path()).hash_of("dir/a b\n", old_file()));
}

}  // namespace workflow::client
