// Reading a file for somebody who has a part of it: what is told is what was given.
#include <catch2/catch.hpp>
#include <fstream>

#include "common/sha256.h"
#include "remote/sync/send_file.h"
#include "sweep/artifacts.h"
#include "tests/support/answers.h"
#include "tests/support/scratch.h"

namespace workflow::sync {
namespace {

using test::put;
using test::Scratch;

Listed listed(const fs::path& root) {
  const Listing all = list_tree(root, [](const std::string&, bool) { return Choice::take; });
  return all.found.at(0);
}

/// What a receiver ends with that has `have`.
struct Receiver {
  std::string bytes;
  std::int64_t came = 0;
  OnPiece take() {
    return [this](std::int64_t at, std::string_view piece) {
      bytes.resize(static_cast<std::size_t>(at));
      bytes += piece;
      came += static_cast<std::int64_t>(piece.size());
    };
  }
};

}  // namespace

TEST_CASE("only what is lacking is given, and only where what is here is the same") {
  const Scratch scratch;
  const std::string bytes(1'000'000, 'x');
  put(scratch / "f", bytes);
  const Listed file = listed(scratch.path());
  Receiver part{bytes.substr(0, 600'000)};
  const Sent rest = send_file(scratch.path(), file, {600'000, sha256_hex(part.bytes)}, part.take());
  CHECK(part.came == 400'000);
  CHECK(part.bytes == bytes);
  CHECK(rest.sha256 == sha256_hex(bytes));
  Receiver other{std::string(600'000, 'y')};
  (void)send_file(scratch.path(), file, {600'000, sha256_hex(other.bytes)}, other.take());
  CHECK(other.bytes == bytes);
  Receiver longer{bytes + "more"};
  (void)send_file(scratch.path(), file, {1'000'004, sha256_hex(longer.bytes)}, longer.take());
  CHECK(longer.bytes == bytes);
}

TEST_CASE("a log that grew is given as it was listed, what was replaced as it is") {
  const Scratch scratch;
  put(scratch / "f.log", "listed");
  const Listed file = listed(scratch.path());
  std::ofstream(scratch / "f.log", std::ios::app) << " and more";
  Receiver grown;
  CHECK(send_file(scratch.path(), file, {}, grown.take()).entry.size == 6);
  CHECK(grown.bytes == "listed");
  put(scratch / "g", "another file");
  fs::rename(scratch / "g", scratch / "f.log");
  Receiver replaced;
  const Sent sent = send_file(scratch.path(), file, {}, replaced.take());
  CHECK(sent.entry.size == 12);
  CHECK(replaced.bytes == "another file");
  CHECK(sent.sha256 == sha256_hex("another file"));
}

TEST_CASE(
    "a checkpoint that was written anew in its place is given whole, not cut as it was listed") {
  const Scratch scratch;
  put(scratch / "last.pt", "listed");
  const Listed file = listed(scratch.path());
  std::ofstream(scratch / "last.pt", std::ios::in) << "written anew";
  Receiver whole;
  const Sent sent = send_file(scratch.path(), file, {}, whole.take());
  CHECK(whole.bytes == "written anew");
  CHECK(sent.entry.size == 12);
  CHECK(sent.sha256 == sha256_hex("written anew"));
}

TEST_CASE("a file that changes while it is read is read again, and told when it never rests") {
  const Scratch scratch;
  const std::string first(1'000'000, 'a');
  put(scratch / "f", first);
  const Listed file = listed(scratch.path());
  const std::string second(999'999, 'b');
  bool changed = false;
  Receiver once;
  const OnPiece take = once.take();
  const Sent sent =
      send_file(scratch.path(), file, {}, [&](std::int64_t at, std::string_view piece) {
        take(at, piece);
        if (!std::exchange(changed, true)) put(scratch / "f", second);
      });
  CHECK(sent.fault.empty());
  CHECK(once.bytes == second);
  CHECK(sent.sha256 == sha256_hex(second));
  std::size_t size = 900'000;
  const Sent never = send_file(scratch.path(), file, {}, [&](std::int64_t, std::string_view) {
    put(scratch / "f", std::string(--size, 'c'));
  });
  CHECK(never.fault.find("changed") != std::string::npos);
  CHECK(never.sha256.empty());
  fs::remove(scratch / "f");
  CHECK(send_file(scratch.path(), file, {}, take).fault == "it has vanished");
  fs::create_symlink("/etc/passwd", scratch / "f");
  CHECK_FALSE(send_file(scratch.path(), file, {}, take).fault.empty());
}

TEST_CASE("a link stays below when it can lead nowhere else") {
  CHECK(link_stays_below("a", "b"));
  CHECK(link_stays_below("d/a", "../b/c"));
  CHECK(link_stays_below("d/a", "./b//c"));
  for (const char* target : {"/b", "../../b", "", "b/../../..", "x/.."}) {
    CHECK_FALSE(link_stays_below("d/a", target));
  }
  CHECK_FALSE(link_stays_below("a", ".."));
}

TEST_CASE("what a checkpoint is, and what of a run comes home") {
  for (const char* name : {"out/a.pt", "b.pth", "out/x/c.ckpt", "model-1.safetensors"}) {
    CHECK(sweep::is_checkpoint(name, false));
  }
  for (const char* name : {"out/a.pt.txt", ".pt", "checkpoint", "out/script"}) {
    CHECK_FALSE(sweep::is_checkpoint(name, false));
  }
  CHECK(sweep::is_checkpoint("out/checkpoint-3", true));
  CHECK(sweep::is_checkpoint("out/checkpoints", true));
  CHECK_FALSE(sweep::is_checkpoint("out/my-checkpoint", true));
  for (const char* name : {"status.json", "out", "out/spec.json", "attempts/0001/stdout.log"}) {
    CHECK(sweep::is_artifact(name));
  }
  for (const char* name : {"spec.json", ".supervisor", "window", "attempts/0001/spec.json"}) {
    CHECK_FALSE(sweep::is_artifact(name));
  }
}

}  // namespace workflow::sync
