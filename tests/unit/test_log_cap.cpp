#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tasks/follow.h"
#include "tasks/log_cap.h"
#include "tests/support/answers.h"
#include "tests/support/scratch.h"

namespace workflow::test {
namespace {

using tasks::LogCap;
using tasks::next_hole;

/// Lines that say where they stand, `bytes` of them in all.
std::string numbered(std::size_t from, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    std::string line = std::to_string(from + text.size());
    line.resize(15, '.');
    text += line + "\n";
  }
  return text;
}

void append(const fs::path& file, const std::string& bytes) {
  real_files().append(file, bytes, {.durable = false});
}

std::int64_t kept_bytes(const fs::path& file) {
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  return info.st_blocks * 512;
}

/// What a reader of the log is told.
struct Told {
  std::string bytes;
  std::vector<FileHole> holes;
};

Told told(const fs::path& log, std::int64_t offset = 0) {
  Told told;
  const std::int64_t end = tasks::tell_bytes(
      log, offset,
      [&](std::int64_t at, std::string_view bytes) {
        CHECK(at >= offset);
        told.bytes += bytes;
      },
      [&](const FileHole& hole) { told.holes.push_back(hole); });
  CHECK(end == static_cast<std::int64_t>(fs::file_size(log)));
  return told;
}

}  // namespace

TEST_CASE("what is left out leaves head and tail, grows, and never moves back") {
  CHECK_FALSE(next_hole(1 << 20, 0, {}));
  CHECK_FALSE(next_hole(1 << 20, 1 << 20, {}));
  for (const std::int64_t cap : {1LL, 4096LL, 100'000LL, 1LL << 20, 10LL << 30}) {
    FileHole hole;
    std::int64_t holes = 0;
    for (std::int64_t size = 0; size < cap * 8 + 1'000'000; size += cap / 7 + 1000) {
      const auto next = next_hole(size, cap, hole);
      if (!next) {
        // Blocks are whole, so a cap below some of them cannot be kept to the byte.
        CHECK(size - hole.size() <= std::max<std::int64_t>(cap, 3 * 4096));
        continue;
      }
      INFO("cap " << cap << ", size " << size);
      CHECK(next->from % 4096 == 0);
      CHECK(next->to % 4096 == 0);
      CHECK(next->from >= cap / 4);
      CHECK(size - next->to >= cap / 2);
      CHECK(size - next->size() <= std::max(cap, cap / 4 + cap / 2 + 2 * 4096));
      if (hole.size() > 0) CHECK(next->from == hole.from);
      CHECK(next->to > hole.to);
      hole = *next;
      ++holes;
    }
    CHECK(holes > 0);
  }
}

TEST_CASE("a log over its cap gives its middle back, and readers are told so") {
  const Scratch at;
  const fs::path log = at / "stdout.log";
  constexpr std::int64_t cap = 256 << 10U;
  std::vector<FileHole> noted;
  LogCap capped(log, cap, {}, [&](const FileHole& hole, const std::string& fault) {
    CHECK(fault.empty());
    noted.push_back(hole);
  });
  capped.turn(0);  // there is no log yet
  std::string all;
  std::int64_t now = 0;
  for (int i = 0; i < 12; ++i) {
    const std::string more = numbered(all.size(), 100'000);
    append(log, more);
    all += more;
    now = capped.next_ms();
    capped.turn(now);
    CHECK(kept_bytes(log) <= cap + 16'384);
    CHECK(fs::file_size(log) == all.size());
  }
  REQUIRE(noted.size() >= 3);
  const auto from = static_cast<std::size_t>(noted.back().from);
  const auto to = static_cast<std::size_t>(noted.back().to);
  CHECK(noted.front().from == noted.back().from);

  const Told whole = told(log);
  CHECK(whole.holes == std::vector<FileHole>{noted.back()});
  CHECK(whole.bytes == all.substr(0, from) + all.substr(to));
  const Told inside = told(log, noted.back().from + 5000);
  REQUIRE(inside.holes.size() == 1);
  CHECK(inside.holes[0] == FileHole{noted.back().from + 5000, noted.back().to});
  CHECK(inside.bytes == all.substr(to));
  CHECK(told(log, noted.back().to).holes.empty());

  // Another supervisor goes on from the record.
  LogCap adopted(log, cap, noted.back(), [&](const FileHole& hole, const std::string&) {
    CHECK(hole.from == noted.back().from);
    CHECK(hole.to > noted.back().to);
  });
  append(log, numbered(all.size(), 200'000));
  adopted.turn(adopted.next_ms());
  CHECK(kept_bytes(log) <= cap + 16'384);
}

TEST_CASE("a log is looked at when it may have grown, and never without a cap") {
  const Scratch at;
  const auto nothing = [](const FileHole&, const std::string&) {};
  LogCap none(at / "log", 0, {}, nothing);
  CHECK(none.next_ms() == INT64_MAX);
  LogCap large(at / "log", 10LL << 30U, {}, nothing);
  large.turn(1000);
  CHECK(large.next_ms() == 1000 + 10'737);
  LogCap small(at / "log", 1 << 20U, {}, nothing);
  small.turn(1000);
  CHECK(small.next_ms() == 2000);
}

TEST_CASE("zeros that a program wrote are told as they are") {
  const Scratch at;
  put(at / "log", "a" + std::string(300'000, '\0') + "b");
  CHECK(told(at / "log").bytes == "a" + std::string(300'000, '\0') + "b");
  CHECK(told(at / "log").holes.empty());
}

}  // namespace workflow::test
