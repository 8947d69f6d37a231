// fetch-run: runs come home byte for byte, at one instant, and nothing that lies here
// is lost.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "common/sha256.h"
#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/far_space.h"
#include "tests/support/made_runs.h"
#include "tests/support/tree.h"

namespace workflow::test {
namespace {

fs::path artifacts(const FarSpace& far) { return far.space.dir() / "artifacts/pod_logs"; }

/// What of a run's directory is fetched, as snapshot() tells it; directories' times are not kept.
std::map<std::string, std::string> files_of(const fs::path& run) {
  std::map<std::string, std::string> all;
  for (const auto& [path, told] : snapshot(run)) {
    const bool ours = path == "spec.json" || path == ".supervisor" || path == "fetch.json";
    if (!ours && !fs::is_directory(fs::symlink_status(run / path))) all[path] = told;
  }
  return all;
}

Json record_of(const fs::path& run) {
  return parse_json(read_file(run / "fetch.json"), "fetch.json");
}

std::string bytes_of(std::size_t size, char seed) {
  std::string bytes(size, seed);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251 + seed);
  return bytes;
}

/// Everything in `_bak` below the artifacts, as text.
std::string aside(const FarSpace& far) {
  std::string all;
  const fs::path shelf = artifacts(far) / "_bak";
  if (!fs::exists(shelf)) return all;
  for (const auto& entry : fs::recursive_directory_iterator(shelf)) {
    if (entry.is_regular_file()) all += entry.path().filename().string() + "=" + read_file(entry);
  }
  return all;
}

}  // namespace

TEST_CASE("a run arrives byte for byte, whatever its files are called") {
  const FarSpace far(GENERATE("local", "libssh2", "openssh"));
  const fs::path run = make_run(far.space.outputs());
  make_hostile_tree(run / "out/tree");
  fs::remove(run / "out/tree/link outside");  // it and the other lead out of the run
  fs::remove(run / "out/tree/deep/link to a directory");
  fs::create_symlink("tree/empty", run / "out/latest");
  put(run / "attempts/0001/stdout.log", "before\n");
  const Captured first = far.run({"fetch-run", "run"});
  INFO(first.out << first.err);
  REQUIRE(first.ok());
  const fs::path here = artifacts(far) / "run";
  auto wanted = files_of(run);
  wanted.erase("out/tree/not utf-8 \xff\xfe");  // read only there: here its owner may replace it
  auto came = files_of(here);
  CHECK(came.erase("out/tree/not utf-8 \xff\xfe") == 1);
  CHECK((came == wanted));
  CHECK(fs::read_symlink(here / "out/latest") == "tree/empty");
  for (const auto& file : member(record_of(here), "files")) {
    if (!member(file, "path").is_string()) continue;
    CHECK(text_at(file, "sha256") == sha256_hex(read_file(here / text_at(file, "path"))));
  }
  CHECK_FALSE(fs::exists(artifacts(far) / ".run.fetch"));
  const Json again = far.space.data({"fetch-run", "run"});
  CHECK(number_at(again, "sent_files") == 0);
  CHECK_FALSE(flag_at(member(again, "runs")[0], "changed"));
}

TEST_CASE("links that lead out of a run, pipes and unreadable files are told, not followed") {
  const FarSpace far("local");
  const fs::path run = make_run(far.space.outputs());
  far.space.write("secret", "not yours");
  fs::create_symlink("../../../../secret", run / "out/up");
  fs::create_symlink("/etc/passwd", run / "out/absolute");
  fs::create_symlink("../..", run / "out/dir");
  put(run / "out/sub/x", "x");
  fs::create_symlink("sub/../../..", run / "out/through");
  REQUIRE(::mkfifo((run / "out/pipe").c_str(), 0600) == 0);
  const Captured told = far.run({"fetch-run", "run"});
  INFO(told.err);
  CHECK(told.ok());
  for (const char* name : {"up", "absolute", "dir", "through"}) {
    CHECK(contains(told.err, "run/'out/" + std::string(name) + "': a link that leads out"));
    CHECK_FALSE(fs::exists(fs::symlink_status(artifacts(far) / "run/out" / name)));
  }
  CHECK(contains(told.err, "'out/pipe': no file"));
  CHECK(read_file(artifacts(far) / "run/out/sub/x") == "x");
}

TEST_CASE("checkpoints are left out, counted, and come when they are asked for") {
  const FarSpace far("local");
  const fs::path run = make_run(far.space.outputs());
  for (const char* name :
       {"out/a.pt", "out/b.safetensors", "out/checkpoint-7/x", "out/deep/c.ckpt"})
    put(run / name, bytes_of(1000, 'c'));
  put(run / "out/notes.pth.txt", "kept");
  const Captured without = far.run({"fetch-run", "run"});
  INFO(without.out << without.err);
  REQUIRE(without.ok());
  CHECK(contains(without.out, "4 checkpoints, 4.0 kB, left out: --checkpoints"));
  const fs::path here = artifacts(far) / "run";
  CHECK_FALSE(fs::exists(here / "out/a.pt"));
  CHECK(read_file(here / "out/notes.pth.txt") == "kept");
  CHECK(number_at(member(record_of(here), "left_out"), "files") == 4);
  const Json with = far.space.data({"fetch-run", "run", "--checkpoints"});
  CHECK(number_at(with, "sent_files") == 4);
  CHECK(number_at(with, "skipped_files") == 5);
  CHECK(read_file(here / "out/checkpoint-7/x") == bytes_of(1000, 'c'));
  // They stay when they are not asked for again, and when the target has them no more.
  fs::remove(run / "out/a.pt");
  put(run / "stdout.log", "what it said\nand more\n");
  REQUIRE(far.run({"fetch-run", "run"}).ok());
  CHECK(read_file(here / "out/a.pt") == bytes_of(1000, 'c'));
  CHECK(read_file(here / "out/deep/c.ckpt") == bytes_of(1000, 'c'));
  CHECK(read_file(here / "stdout.log") == "what it said\nand more\n");
}

TEST_CASE("a log that grew is sent from where it was; a file that was replaced, whole") {
  const FarSpace far(GENERATE("local", "libssh2"));
  const fs::path run = make_run(far.space.outputs());
  put(run / "stdout.log", bytes_of(400'000, 'a'));
  put(run / "out/model.bin", bytes_of(500'000, 'b'));
  REQUIRE(far.run({"fetch-run", "run"}).ok());
  put(run / "stdout.log", bytes_of(400'500, 'a'));
  const Json grown = far.space.data({"fetch-run", "run"});
  CHECK(number_at(grown, "sent_bytes") == 500);
  CHECK(read_file(artifacts(far) / "run/stdout.log") == bytes_of(400'500, 'a'));
  put(run / "out/model.bin", bytes_of(500'000, 'x'));
  const Json replaced = far.space.data({"fetch-run", "run"});
  CHECK(number_at(replaced, "sent_bytes") == 500'000);
  CHECK(read_file(artifacts(far) / "run/out/model.bin") == bytes_of(500'000, 'x'));
  put(run / "out/model.bin", "");
  REQUIRE(far.run({"fetch-run", "run"}).ok());
  CHECK(read_file(artifacts(far) / "run/out/model.bin").empty());
}

TEST_CASE("many bytes come by the way that is quick for them") {
  const FarSpace far("auto");
  const fs::path run = make_run(far.space.outputs());
  put(run / "out/big.bin", bytes_of(68'000'000, 'q'));
  // On a machine that is busy a near target may look far for once.
  CHECK(eventually([&] {
    fs::remove_all(artifacts(far) / "run");
    const Captured told = far.run({"-v", "fetch-run", "run"});
    return told.ok() && contains(told.err, "reached by openssh");
  }));
  CHECK(read_file(artifacts(far) / "run/out/big.bin") == bytes_of(68'000'000, 'q'));
  const Captured again = far.run({"-v", "fetch-run", "run"});
  CHECK(contains(again.err, "reached by libssh2"));
}

TEST_CASE("what somebody made in a fetched run's directory is not lost") {
  const FarSpace far("local");
  const fs::path run = make_run(far.space.outputs());
  put(run / "out/loss.txt", "1\n");
  REQUIRE(far.run({"fetch-run", "run"}).ok());
  const fs::path here = artifacts(far) / "run";
  put(here / "my notes.txt", "mine");
  put(here / "plots/a.png", "picture");
  fs::create_symlink("/etc", here / "plots/link");
  fs::create_directories(here / "empty");
  put(here / "out/loss.txt", "changed by hand");
  put(run / "out/new.txt", "new");
  const Captured told = far.run({"fetch-run", "run"});
  INFO(told.err);
  REQUIRE(told.ok());
  CHECK(read_file(here / "my notes.txt") == "mine");
  CHECK(read_file(here / "plots/a.png") == "picture");
  CHECK(fs::read_symlink(here / "plots/link") == "/etc");
  CHECK(fs::is_directory(here / "empty"));
  CHECK(read_file(here / "out/loss.txt") == "1\n");
  CHECK(read_file(here / "out/new.txt") == "new");
  CHECK(contains(told.err, "'run/out/loss.txt' was changed here"));
  CHECK(contains(aside(far), "loss.txt=changed by hand"));
}

TEST_CASE("--verify finds a byte that changed here, though size and time are the same") {
  const FarSpace far(GENERATE("local", "libssh2"));
  const fs::path run = make_run(far.space.outputs());
  put(run / "out/data.bin", bytes_of(300'000, 'd'));
  REQUIRE(far.run({"fetch-run", "run"}).ok());
  const fs::path here = artifacts(far) / "run/out/data.bin";
  struct stat was {};
  REQUIRE(::stat(here.c_str(), &was) == 0);
  {
    std::fstream file(here, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(150'000);
    file.put('!');
  }
  const timespec times[2] = {was.st_atim, was.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, here.c_str(), times, 0) == 0);
  const Json told = far.space.data({"fetch-run", "run", "--verify"});
  CHECK(number_at(told, "sent_files") == 1);
  CHECK(read_file(here) == bytes_of(300'000, 'd'));
  CHECK(contains(aside(far), "data.bin="));
  const Json sound = far.space.data({"fetch-run", "run", "--verify"});
  CHECK(number_at(sound, "sent_bytes") == 0);
  CHECK_FALSE(flag_at(member(sound, "runs")[0], "changed"));
}

TEST_CASE("a directory that is of another attempt, row or campaign is put aside and said") {
  const FarSpace far("local");
  const fs::path here = artifacts(far) / "run";
  SECTION("of another row") {
    (void)make_run(far.space.outputs());
    REQUIRE(far.run({"fetch-run", "run"}).ok());
    fs::remove_all(far.space.outputs() / "run");
    const fs::path run = make_run(far.space.outputs(), {.row_sha256 = "bb"});
    put(run / "stdout.log", "of the other\n");
    const Captured told = far.run({"fetch-run", "run"});
    INFO(told.err);
    REQUIRE(told.ok());
    CHECK(contains(told.err, "of another attempt or not fetched: it is in "));
    CHECK(read_file(here / "stdout.log") == "of the other\n");
    CHECK(contains(aside(far), "stdout.log=what it said\n"));
  }
  SECTION("not fetched at all") {
    (void)make_run(far.space.outputs());
    put(here / "thesis.tex", "years of work");
    REQUIRE(far.run({"fetch-run", "run"}).ok());
    CHECK_FALSE(fs::exists(here / "thesis.tex"));
    CHECK(contains(aside(far), "thesis.tex=years of work"));
  }
  SECTION("no directory") {
    (void)make_run(far.space.outputs());
    put(here, "a file");
    const Captured told = far.run({"fetch-run", "run"});
    CHECK(told.status.code == 1);
    CHECK(contains(told.err, "is no directory; it was left as it is"));
    CHECK(read_file(here) == "a file");
  }
}

TEST_CASE("what is not there is 6, an id that is none 2") {
  const FarSpace far("local");
  REQUIRE(far.run({"pod-status"}).ok());
  CHECK(far.run({"fetch-run", "nosuch"}).status.code == 6);
  CHECK(far.run({"fetch-all"}).status.code == 6);
  CHECK(far.run({"fetch-all", "--campaign", "20260101T000000Z-00000001"}).status.code == 6);
  CHECK(far.run({"sweep-results"}).status.code == 6);
  for (const char* id : {"../run", "x$(touch boom)", "/etc", "", ".", "a/b", "-x"}) {
    CAPTURE(id);
    CHECK(far.run({"fetch-run", "--", id}).status.code == 2);
  }
  CHECK(far.run({"fetch-all", "--campaign", "../.."}).status.code == 2);
  CHECK(far.run({"fetch-all", "--only", "good"}).status.code == 6);  // a row of no sweep
  CHECK_FALSE(fs::exists(far.space.dir() / "boom"));
}

}  // namespace workflow::test
