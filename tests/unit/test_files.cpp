#include "common/files.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <functional>
#include <thread>

#include "common/error.h"
#include "common/file_lock.h"
#include "common/text.h"
#include "tests/support/scratch.h"

using namespace workflow;
using workflow::test::Scratch;

namespace {

Code code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& fault) {
    return fault.code();
  }
  return Code::ok;
}

}  // namespace

TEST_CASE("a written file is whole and alone in its directory") {
  const Scratch dir;
  Files& files = real_files();
  const fs::path file = dir.path() / "record.json";
  files.write(file, "old");
  files.write(file, std::string("new\0bytes", 9), {.mode = 0600});
  CHECK(files.read(file) == std::string("new\0bytes", 9));
  CHECK(files.list(dir.path()) == std::vector<std::string>{"record.json"});
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600U);
}

TEST_CASE("a write that fails names the file and leaves nothing beside it") {
  const Scratch dir;
  Files& files = real_files();
  fs::create_directories(dir.path() / "taken" / "inside");
  CHECK(code_of([&] { files.write(dir.path() / "taken", "x"); }) == Code::precondition);
  CHECK(code_of([&] { files.write(dir.path() / "missing" / "f", "x"); }) == Code::precondition);
  CHECK_THROWS_WITH(files.write(dir.path() / "taken", "x"), Catch::Contains("taken'"));
  CHECK(files.list(dir.path()) == std::vector<std::string>{"taken"});
}

TEST_CASE("readers see the old bytes or the new ones, never a part") {
  const Scratch dir;
  const fs::path file = dir.path() / "f";
  const std::string a(100'000, 'a');
  const std::string b(50'000, 'b');
  real_files().write(file, a);
  std::jthread writer([&](const std::stop_token& stop) {
    for (int n = 0; !stop.stop_requested(); ++n) {
      real_files().write(file, n % 2 == 0 ? b : a, {.durable = false});
    }
  });
  for (int n = 0; n < 500; ++n) {
    const auto bytes = real_files().read(file);
    REQUIRE(bytes);
    REQUIRE((*bytes == a || *bytes == b));
  }
}

TEST_CASE("what is not there is no error, what is no file is") {
  const Scratch dir;
  CHECK_FALSE(real_files().read(dir.path() / "none"));
  CHECK_FALSE(real_files().read(dir.path() / "none" / "deeper"));
  CHECK(code_of([&] { (void)real_files().read(dir.path()); }) == Code::precondition);
  CHECK(code_of([&] { (void)read_file(dir.path() / "none"); }) == Code::not_found);
  CHECK(real_files().list(dir.path() / "none").empty());
}

TEST_CASE("appends of many writers at once are all there and whole") {
  const Scratch dir;
  const fs::path file = dir.path() / "log";
  std::vector<std::jthread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int n = 0; n < 100; ++n) {
        real_files().append(file, std::string(200, static_cast<char>('a' + w)) + "\n",
                            {.durable = false});
      }
    });
  }
  writers.clear();
  const auto lines = split(read_file(file), '\n');
  REQUIRE(lines.size() == 401);
  for (std::size_t i = 0; i < 400; ++i) CHECK(lines[i] == std::string(200, lines[i][0]));
}

TEST_CASE("the end of a file and where it begins") {
  const Scratch dir;
  real_files().write(dir.path() / "f", "0123456789");
  const FileTail tail = read_tail(dir.path() / "f", 4);
  CHECK(tail.bytes == "6789");
  CHECK(tail.offset == 6);
  CHECK(tail.size == 10);
  CHECK(read_tail(dir.path() / "f", 100).bytes == "0123456789");
  CHECK(read_tail(dir.path() / "none", 100).bytes.empty());
}

TEST_CASE("a name that is taken gets a number") {
  const Scratch dir;
  CHECK(free_name(dir.path(), "x") == dir.path() / "x");
  real_files().write(dir.path() / "x", "");
  CHECK(free_name(dir.path(), "x") == dir.path() / "x-2");
  fs::create_symlink("nowhere", dir.path() / "x-2");
  CHECK(free_name(dir.path(), "x") == dir.path() / "x-3");
}

TEST_CASE("a lock has one holder, and the next gets it when that one goes") {
  const Scratch dir;
  const fs::path file = dir.path() / "lock";
  {
    const FileLock held = FileLock::take(file, 0);
    CHECK_FALSE(FileLock::try_take(file));
    CHECK(code_of([&] { (void)FileLock::take(file, 20); }) == Code::busy);
  }
  CHECK(FileLock::try_take(file));

  int counter = 0;  // unguarded but for the lock
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) {
        const FileLock lock = FileLock::take(file, 20'000);
        const int seen = counter;
        std::this_thread::yield();
        counter = seen + 1;
      }
    });
  }
  threads.clear();
  CHECK(counter == 200);
}
