#include <fcntl.h>
#include <sys/stat.h>
#include <utime.h>

#include <catch2/catch.hpp>

#include "tasks/copy_forward.h"
#include "tests/support/answers.h"
#include "tests/support/scratch.h"

namespace workflow::test {
namespace {

using tasks::Copied;
using tasks::copy_forward;

/// A file that nobody has touched for a long time.
void put_old(const fs::path& path, const std::string& text, std::time_t at = 1'700'000'000) {
  put(path, text);
  const utimbuf times{at, at};
  REQUIRE(::utime(path.c_str(), &times) == 0);
}

}  // namespace

TEST_CASE("what is smaller or older than its durable copy leaves that beside it") {
  const Scratch at;
  const auto sync = [&] {
    Copied copied;
    return copy_forward({.from = at / "from", .to = at / "to", .keep_better = true}, copied);
  };
  const std::string whole(200'000, 'w');
  const std::string stump(100'000, 's');
  put_old(at / "from/deep/ckpt.pt", whole);
  put_old(at / "from/note", "a long note");
  CHECK(sync().kept.empty());

  SECTION("a stump of a training that was killed, twice") {
    put_old(at / "from/deep/ckpt.pt", stump, 1'700'000'100);
    put_old(at / "from/note", "short", 1'700'000'100);
    const auto result = sync();
    CHECK(result.ok());
    CHECK(result.kept == std::vector<std::string>{"deep/ckpt.pt.before"});
    CHECK(read_file(at / "to/deep/ckpt.pt") == stump);
    CHECK(read_file(at / "to/deep/ckpt.pt.before") == whole);
    CHECK_FALSE(fs::exists(at / "to/note.before"));
    put_old(at / "from/deep/ckpt.pt", stump.substr(0, 70'000), 1'700'000'200);
    CHECK(sync().kept.empty());
    CHECK(read_file(at / "to/deep/ckpt.pt.before") == whole);
    CHECK(fs::file_size(at / "to/deep/ckpt.pt") == 70'000);
    // What comes next and is whole replaces the stump, and the one aside stays.
    put_old(at / "from/deep/ckpt.pt", whole + "more", 1'700'000'300);
    CHECK(sync().kept.empty());
    CHECK(read_file(at / "to/deep/ckpt.pt") == whole + "more");
    CHECK(read_file(at / "to/deep/ckpt.pt.before") == whole);
  }
  SECTION("one that another pod had got further with") {
    put_old(at / "from/deep/ckpt.pt", whole + "but older", 1'600'000'000);
    CHECK(sync().kept == std::vector<std::string>{"deep/ckpt.pt.before"});
    CHECK(read_file(at / "to/deep/ckpt.pt.before") == whole);
  }
  SECTION("newer and no smaller is what a training does all the time") {
    put_old(at / "from/deep/ckpt.pt", std::string(200'000, 'n'), 1'700'000'100);
    CHECK(sync().kept.empty());
    CHECK_FALSE(fs::exists(at / "to/deep/ckpt.pt.before"));
  }
  SECTION("records are mirrored as they are") {
    put_old(at / "from/deep/ckpt.pt", stump, 1'700'000'100);
    Copied copied;
    CHECK(copy_forward({.from = at / "from", .to = at / "to"}, copied).kept.empty());
    CHECK_FALSE(fs::exists(at / "to/deep/ckpt.pt.before"));
  }
}

TEST_CASE("only what is new or changed is copied, and nothing is deleted") {
  const Scratch at;
  Copied copied;
  put_old(at / "from/a", "one");
  put_old(at / "from/deep/b", "two");
  put(at / "to/theirs", "kept");
  const auto first = copy_forward({.from = at / "from", .to = at / "to"}, copied);
  CHECK(first.ok());
  CHECK(first.files == 2);
  CHECK(copied.size() == 2);
  CHECK(copy_forward({.from = at / "from", .to = at / "to"}, copied).files == 0);
  CHECK(tasks::copied_from(tasks::copied_json(copied)) == copied);
  put_old(at / "from/a", "1ne", 1'700'000'001);  // the same size
  fs::remove(at / "from/deep/b");
  CHECK(copy_forward({.from = at / "from", .to = at / "to"}, copied).files == 1);
  CHECK(read_file(at / "to/a") == "1ne");
  CHECK(read_file(at / "to/deep/b") == "two");
  CHECK(read_file(at / "to/theirs") == "kept");
  // Without the memory it is seen that nothing differs …
  Copied none;
  CHECK(copy_forward({.from = at / "from", .to = at / "to"}, none).files == 0);
  // … also where size and time agree and the bytes do not.
  put_old(at / "to/a", "xxx", 1'700'000'001);
  Copied forgotten;
  CHECK(copy_forward({.from = at / "from", .to = at / "to"}, forgotten).files == 1);
  CHECK(read_file(at / "to/a") == "1ne");
}

TEST_CASE("the last look finds what was taken away at the destination") {
  const Scratch at;
  Copied copied;
  put_old(at / "from/a", "one");
  CHECK(copy_forward({.from = at / "from", .to = at / "to"}, copied).files == 1);
  fs::remove(at / "to/a");
  CHECK(copy_forward({.from = at / "from", .to = at / "to"}, copied).files == 0);
  CHECK(copy_forward({.from = at / "from", .to = at / "to", .look_again = true}, copied).files ==
        1);
  CHECK(read_file(at / "to/a") == "one");
}

TEST_CASE("no symlink is followed out of either tree") {
  const Scratch at;
  Copied copied;
  put(at / "secret/key", "s");
  fs::create_directories(at / "from/sub");
  fs::create_directories(at / "to");
  put(at / "from/sub/file", "x");
  fs::create_symlink(at / "secret", at / "from/link");
  fs::create_symlink(at / "secret", at / "to/sub");  // where a directory is to be
  put(at / "from/over", "new");
  fs::create_symlink(at / "secret/key", at / "to/over");
  const auto result = copy_forward({.from = at / "from", .to = at / "to"}, copied);
  REQUIRE(result.behind.size() == 1);
  CHECK(result.behind[0].path == "sub");
  CHECK(fs::is_symlink(at / "to/link"));
  CHECK(read_file(at / "to/over") == "new");
  CHECK_FALSE(fs::is_symlink(at / "to/over"));
  CHECK(read_file(at / "secret/key") == "s");
  CHECK(real_files().list(at / "secret") == std::vector<std::string>{"key"});
}

TEST_CASE("a file that grows is copied as far as it went; one that changes keeps its older copy") {
  const Scratch at;
  Copied copied;
  const bool grows = GENERATE(true, false);
  const std::string old = "first line\n";
  put_old(at / "to/log", old, 1'600'000'000);
  put(at / "from/log", grows ? old + "second\n" : "other text\nsecond\n");
  bool touched = false;
  const auto touch = [&] {
    if (touched) return;
    touched = true;
    real_files().append(at / "from/log", "third\n");
  };
  const auto result =
      copy_forward({.from = at / "from", .to = at / "to", .progress = touch}, copied);
  REQUIRE(result.behind.size() == 1);
  CHECK(result.behind[0].changing);
  CHECK(read_file(at / "to/log") == (grows ? old + "second\n" : old));
  CHECK(copied.empty());
  CHECK(copy_forward({.from = at / "from", .to = at / "to"}, copied).ok());
  CHECK(read_file(at / "to/log") == read_file(at / "from/log"));
  CHECK(real_files().list(at / "to") == std::vector<std::string>{"log"});
}

TEST_CASE("the longest names are copied, and a left-over of a cut copy is no hindrance") {
  const Scratch at;
  Copied copied;
  const std::string name(255, 'n');
  put_old(at / "from" / "a", "one");
  fs::create_directories(at / "to");
  { const UniqueFd file(::creat((at / "from" / name).c_str(), 0644)); }
  put(at / "to" / tasks::unfinished_name("a"), "half");
  CHECK(copy_forward({.from = at / "from", .to = at / "to"}, copied).ok());
  CHECK(real_files().list(at / "to") == std::vector<std::string>{"a", name});
}

}  // namespace workflow::test
