// A download whose other side lies: nothing is written outside, and nothing false counts.
#include <catch2/catch.hpp>

#include "client/arriving_tree.h"
#include "common/error.h"
#include "tests/support/scratch.h"

namespace workflow::client {
namespace {

using sync::Entry;
using test::Scratch;

Json listed(const std::vector<Entry>& entries, bool directory = true) {
  Json json = Json::array();
  for (const auto& entry : entries) json.push_back(sync::entry_json(entry));
  return {{"event", "listed"},
          {"directory", directory},
          {"entries", json},
          {"left_out", Json::array()}};
}

Entry file(const std::string& path, std::int64_t size) {
  return {.kind = sync::Kind::file, .path = path, .size = size, .mode = 0644, .mtime_ns = 1};
}

struct Arriving {
  Scratch scratch;
  ArrivingTree tree{"remote", scratch / "to", [](const Json&) {}};

  Arriving() { fs::create_directories(scratch / "outside"); }

  Code list(const std::vector<Entry>& entries, bool directory = true) {
    return code_of([&] {
      tree.begin();
      tree.listed(listed(entries, directory));
      (void)tree.wanted(Json::object());
    });
  }
  static Code code_of(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& fault) {
      return fault.code();
    }
    return Code::ok;
  }
  void end(std::size_t n, const Entry& is, const std::string& sha256) {
    tree.end_file(0, n, {{"is", sync::entry_json(is)}, {"sha256", sha256}});
  }
};

}  // namespace

TEST_CASE("a listing that leads out is refused") {
  for (const std::string path : {"../outside/x", "/etc/x", "a/../../x", "a//x", "./x", "..", ""}) {
    CAPTURE(path);
    Arriving at;
    CHECK(at.list({file(path, 1)}) == Code::refused);
    CHECK(at.list({{.kind = sync::Kind::directory, .path = path}}) == Code::refused);
    CHECK(fs::is_empty(at.scratch / "outside"));
  }
  Arriving at;
  CHECK(at.list({}, false) == Code::unreachable);
  CHECK(at.list({{.kind = sync::Kind::link, .path = "x", .target = "y"}}, false) ==
        Code::unreachable);
}

TEST_CASE("no link that lies here is followed, and one that is sent comes last") {
  Arriving at;
  const Entry link{
      .kind = sync::Kind::link, .path = "out", .target = (at.scratch / "outside").string()};
  REQUIRE(at.list({link, file("out/x", 1)}) == Code::ok);
  CHECK(Arriving::code_of([&] { at.tree.take(0, 1, 0, "x"); }) != Code::ok);
  CHECK(fs::is_empty(at.scratch / "outside"));
  fs::create_directory_symlink(at.scratch / "outside", at.scratch / "to/dir");
  CHECK(at.list({{.kind = sync::Kind::directory, .path = "dir"}, file("dir/x", 1)}) != Code::ok);
  CHECK(fs::is_empty(at.scratch / "outside"));
}

TEST_CASE("only what is wanted is taken, where it belongs, and with its hash") {
  Arriving at;
  const Entry entry = file("x", 3);
  REQUIRE(at.list({entry}) == Code::ok);
  CHECK(Arriving::code_of([&] { at.tree.take(0, 1, 0, "abc"); }) == Code::unreachable);
  CHECK(Arriving::code_of([&] { at.tree.take(1, 0, 0, "abc"); }) == Code::unreachable);
  CHECK(Arriving::code_of([&] { at.tree.take(0, 0, 7, "abc"); }) == Code::unreachable);
  CHECK(Arriving::code_of([&] { at.tree.finish(); }) == Code::unreachable);
  at.tree.take(0, 0, 0, "abx");
  at.tree.take(0, 0, 0, "ab");  // begun anew: it changed while it was read
  at.tree.take(0, 0, 2, "c");
  const std::string hash = GENERATE("abc", "abd", "");
  CAPTURE(hash);
  at.end(0, entry, hash.empty() ? hash : sha256_hex(hash));
  const Json told = at.tree.finish();
  if (hash == "abc") {
    CHECK(read_file(at.scratch / "to/x") == "abc");
    CHECK(number_at(told, "sent_files") == 1);
  } else {
    CHECK_FALSE(fs::exists(at.scratch / "to/x"));
    CHECK(fs::is_empty(at.scratch / "to"));
    CHECK(number_at(told, "sent_files") == 0);
    CHECK(member(told, "left_out").size() == 1);
  }
}

TEST_CASE("a file that says nothing new has to be here") {
  Arriving at;
  REQUIRE(at.list({file("x", 3)}) == Code::ok);
  at.end(0, file("x", 3), sha256_hex("abc"));
  CHECK(member(at.tree.finish(), "left_out").size() == 1);
  CHECK_FALSE(fs::exists(at.scratch / "to/x"));
}

}  // namespace workflow::client
