// The core of cp: whatever a stream says and wherever it stops, nothing is written outside the
// destination and no file is there by half.
#include <catch2/catch.hpp>

#include "common/error.h"
#include "remote/sync/tree_sink.h"
#include "remote/sync/tree_source.h"
#include "tests/support/scratch.h"
#include "tests/support/tree.h"

namespace workflow::sync {
namespace {

using test::Scratch;

std::string stream_of(const fs::path& path) {
  TreeSource source({path});
  std::string stream;
  while (const auto piece = source.next()) stream += *piece;
  return stream;
}

Code refusal(const fs::path& to, const std::vector<Entry>& entries) {
  std::string stream;
  for (const auto& entry : entries) stream += entry_line(entry) + std::string(entry.size, 'x');
  try {
    TreeSink sink({to, false});
    sink.feed(stream);
  } catch (const Error& error) {
    return error.code();
  }
  return Code::ok;
}

}  // namespace

TEST_CASE("a stream in pieces of any size is the same tree") {
  const Scratch scratch;
  test::make_hostile_tree(scratch / "tree");
  const std::string stream = stream_of(scratch / "tree");
  for (const std::size_t step :
       {std::size_t(1), std::size_t(7), std::size_t(4096), stream.size()}) {
    const fs::path to = scratch / std::to_string(step);
    TreeSink sink({to, false});
    for (std::size_t at = 0; at < stream.size(); at += step) {
      sink.feed(std::string_view(stream).substr(at, step));
    }
    sink.finish();
    CHECK((test::snapshot(to) == test::snapshot(scratch / "tree")));
  }
}

TEST_CASE("a stream cut at any byte has not ended, and leaves whole files only") {
  const Scratch scratch;
  fs::create_directories(scratch / "tree/sub");
  real_files().write(scratch / "tree/a", "first");
  real_files().write(scratch / "tree/sub/b", "second");
  const std::string stream = stream_of(scratch / "tree");
  for (std::size_t n = 0; n < stream.size(); ++n) {
    INFO("cut after " << n << " of " << stream.size());
    const fs::path to = scratch / ("to" + std::to_string(n));
    {
      TreeSink sink({to, false});
      sink.feed(std::string_view(stream).substr(0, n));
      CHECK_THROWS_AS(sink.finish(), Error);
    }
    if (!fs::exists(to)) continue;
    CHECK(test::temporary_files(to) == 0);
    if (fs::exists(to / "a")) CHECK(read_file(to / "a") == "first");
    if (fs::exists(to / "sub/b")) CHECK(read_file(to / "sub/b") == "second");
  }
}

TEST_CASE("a hostile sender writes nothing outside the destination") {
  const Scratch scratch;
  fs::create_directories(scratch / "outside");
  const Entry source{.kind = Kind::source, .path = "tree"};
  const Entry root{.kind = Kind::directory, .mode = 0755};
  for (const char* path :
       {"../outside/x", "a/../../outside/x", "/etc/x", "a//x", "./x", "..", "."}) {
    INFO(path);
    fs::create_directories(scratch / "to");
    CHECK(refusal(scratch / "to", {source, root, {.kind = Kind::file, .path = path, .size = 3}}) ==
          Code::refused);
  }
  CHECK(refusal(scratch / "to", {{.kind = Kind::source, .path = "../outside"}}) == Code::refused);
  const Entry link{.kind = Kind::link, .path = "out", .target = (scratch / "outside").string()};
  const Entry through{.kind = Kind::file, .path = "out/x", .size = 3};
  CHECK(refusal(scratch / "to", {source, root, link, through}) == Code::exists);
  // A link in place of the tree itself.
  CHECK(refusal(scratch / "other", {source,
                                    {.kind = Kind::link, .target = (scratch / "outside").string()},
                                    {.kind = Kind::source, .path = "tree"},
                                    {.kind = Kind::directory, .path = "sub"}}) != Code::bug);
  // A link first, and then a source whose name leads through it.
  fs::create_directories(scratch / "into");
  CHECK(refusal(scratch / "into", {{.kind = Kind::source, .path = "l"},
                                   {.kind = Kind::link, .target = (scratch / "outside").string()},
                                   {.kind = Kind::source, .path = "l/x"},
                                   {.kind = Kind::file, .size = 3}}) == Code::refused);
  CHECK(fs::is_empty(scratch / "outside"));
}

TEST_CASE("what was not asked for is not written") {
  const Scratch scratch;
  const auto send = [&](const std::string& name) {
    TreeSink sink({scratch / "to", true, std::vector<std::string>{"x"}});
    sink.feed(entry_line({.kind = Kind::source, .path = name}) +
              entry_line({.kind = Kind::file, .size = 1}) + "b" +
              entry_line({.kind = Kind::source, .path = "x"}));
  };
  CHECK_THROWS_AS(send(".bashrc"), Error);
  CHECK_THROWS_AS(send(""), Error);
  CHECK(fs::is_empty(scratch / "to"));
  CHECK_THROWS_AS(send("x"), Error);  // a second one
  CHECK(read_file(scratch / "to/x") == "b");
}

TEST_CASE("a line of no sense is damage") {
  for (const char* line : {"not json", "{}", "[]", "{\"kind\":\"device\"}",
                           "{\"kind\":\"file\",\"path\":\"x\",\"size\":-1}"}) {
    CHECK_THROWS_AS(entry_from(line), Error);
  }
  const Scratch scratch;
  CHECK(refusal(scratch / "to", {{.kind = Kind::file, .path = "x"}}) == Code::unreachable);
}

TEST_CASE("a file that shrinks while it is read is no copy") {
  const Scratch scratch;
  real_files().write(scratch / "log", std::string(1 << 20, 'x'));
  TreeSource source({scratch / "log"});
  REQUIRE(source.next());
  fs::resize_file(scratch / "log", 10);
  const auto rest = [&] {
    while (source.next()) {
    }
  };
  CHECK_THROWS_AS(rest(), Error);
}

}  // namespace workflow::sync
