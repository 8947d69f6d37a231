// A run's copy on this machine against an agent that lies: nothing is written outside its own
// directory, and nothing is taken for fetched that was not proven.
#include <catch2/catch.hpp>
#include <fstream>

#include "client/run_copy.h"
#include "common/error.h"
#include "tests/support/scratch.h"

namespace workflow::client {
namespace {

using sync::Entry;
using sync::Kind;
using test::Scratch;

const Json about = {{"run_id", "run"},
                    {"campaign", "c"},
                    {"row_sha256", "aa"},
                    {"attempt", 1},
                    {"created_at", "2026-01-01T00:00:00.000Z"},
                    {"state", "success"}};

Entry file(const std::string& path, std::int64_t size) {
  return {.kind = Kind::file, .path = path, .size = size, .mode = 0644, .mtime_ns = 1'000};
}

RunFetched fetch(const fs::path& to, const std::string& path, const std::string& bytes) {
  const Entry entry = file(path, static_cast<std::int64_t>(bytes.size()));
  RunCopy copy(to, about, {entry}, false);
  for (const Want& want : copy.wants()) {
    if (want.have < entry.size) copy.take(0, 0, bytes);
    copy.end_file(0, entry, sha256_hex(bytes));
  }
  return copy.put_in_place(Json::object());
}

Code refusal(const fs::path& to, const std::vector<Entry>& entries) {
  try {
    const RunCopy copy(to, about, entries, false);
  } catch (const Error& error) {
    return error.code();
  }
  return Code::ok;
}

}  // namespace

TEST_CASE("paths and links that lead out of a run are refused") {
  const Scratch scratch;
  for (const char* path : {"../x", "/x", "a/../../x", "", "a//b", "./a"}) {
    CAPTURE(path);
    CHECK(refusal(scratch.path(), {file(path, 1)}) == Code::refused);
  }
  for (const char* target : {"/etc", "..", "b/../.."}) {
    CAPTURE(target);
    CHECK(refusal(scratch.path(), {{.kind = Kind::link, .path = "a", .target = target}}) ==
          Code::refused);
  }
  CHECK(fs::is_empty(scratch.path()));
}

TEST_CASE("bytes that are not what their hash says are told as missing") {
  const Scratch scratch;
  REQUIRE(fetch(scratch.path(), "f", "sound").missing.empty());
  RunCopy copy(scratch.path(), about, {file("f", 6), file("g", 4)}, false);
  REQUIRE(copy.wants().size() == 2);
  copy.take(0, 0, "broken");
  copy.end_file(0, file("f", 6), sha256_hex("sounds"));
  copy.take(1, 0, "shor");
  copy.end_file(1, file("g", 5), sha256_hex("short"));
  REQUIRE(copy.complete());
  const RunFetched fetched = copy.put_in_place(Json::object());
  CHECK(fetched.missing.size() == 2);
  CHECK(read_file(scratch / "run/f") == "sound");
  CHECK_FALSE(fs::exists(scratch / "run/g"));
  CHECK(read_fetch_record(scratch / "run")->files.at("f").only_here);
}

TEST_CASE("what nobody asked for is refused") {
  const Scratch scratch;
  RunCopy copy(scratch.path(), about,
               {file("f", 1), {.kind = Kind::link, .path = "l", .target = "f"}}, false);
  for (const std::size_t n : {std::size_t(1), std::size_t(2), std::size_t(-1)}) {
    CHECK_THROWS_AS(copy.take(n, 0, "x"), Error);
    CHECK_THROWS_AS(copy.end_file(n, file("f", 1), ""), Error);
    CHECK_THROWS_AS(copy.miss_file(n, "why", false), Error);
  }
  CHECK_THROWS_AS(copy.take(0, 5, "x"), Error);
}

TEST_CASE("what a cut fetch left is used when it is the same, and never written through") {
  const Scratch scratch;
  REQUIRE(fetch(scratch.path(), "f", "the old bytes").changed);
  fs::create_directories(scratch / ".run.fetch/d");
  // A name of the old tree's file, a link out, a directory in a file's place, a stranger.
  fs::create_hard_link(scratch / "run/f", scratch / ".run.fetch/f");
  fs::create_symlink("/etc", scratch / ".run.fetch/link");
  fs::create_directories(scratch / ".run.fetch/h/deep");
  std::ofstream(scratch / ".run.fetch/stranger") << "x";
  std::ofstream(scratch / ".run.fetch/d/part") << "begun";
  const std::vector<Entry> entries{file("f", 20), file("link/x", 3), file("h", 3),
                                   file("d/part", 8)};
  RunCopy copy(scratch.path(), about, entries, false);
  REQUIRE(copy.wants().size() == 4);
  CHECK(copy.wants()[3].have == 5);
  CHECK(copy.wants()[3].sha256 == sha256_hex("begun"));
  copy.take(0, 0, std::string(20, 'n'));
  copy.end_file(0, entries[0], sha256_hex(std::string(20, 'n')));
  CHECK(read_file(scratch / "run/f") == "the old bytes");
  copy.take(1, 0, "abc");
  copy.end_file(1, entries[1], sha256_hex("abc"));
  copy.take(2, 0, "def");
  copy.end_file(2, entries[2], sha256_hex("def"));
  copy.take(3, 5, "end");
  copy.end_file(3, entries[3], sha256_hex("begunend"));
  const RunFetched fetched = copy.put_in_place(Json::object());
  CHECK(fetched.missing.empty());
  CHECK(read_file(scratch / "run/d/part") == "begunend");
  CHECK(read_file(scratch / "run/link/x") == "abc");
  CHECK_FALSE(fs::exists(scratch / "run/stranger"));
  CHECK_FALSE(fs::exists(scratch / ".run.fetch"));
}

TEST_CASE("a file in the place of a directory of the user's is no loss") {
  const Scratch scratch;
  REQUIRE(fetch(scratch.path(), "f", "one").changed);
  fs::create_directories(scratch / "run/d");
  std::ofstream(scratch / "run/d/mine") << "mine";
  const RunFetched fetched = fetch(scratch.path(), "d", "now a file");
  CHECK(read_file(scratch / "run/d") == "now a file");
  CHECK(read_file(scratch / "run/f") == "one");
  REQUIRE(fetched.notes.size() == 1);
  std::string kept;
  for (const auto& entry : fs::recursive_directory_iterator(scratch / "_bak")) {
    if (entry.is_regular_file()) kept += read_file(entry);
  }
  CHECK(kept == "mine");
}

}  // namespace workflow::client
