// fetch when things go wrong: connections that are cut at any byte, full disks, two at once, files
// that never hold still. The old tree is whole until the new one is.
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/cut_space.h"
#include "tests/support/eventually.h"
#include "tests/support/made_runs.h"
#include "tests/support/private_mounts.h"
#include "tests/support/reach.h"

namespace workflow::test {
namespace {

/// Bytes that do not shrink on the way.
std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

/// Every file below a directory and its bytes, but for the records.
std::map<std::string, std::string> bytes_below(const fs::path& dir) {
  std::map<std::string, std::string> all;
  if (!fs::exists(dir)) return all;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    const std::string path = entry.path().lexically_relative(dir).string();
    const bool record = path == "fetch.json" || path == "spec.json" || path == ".supervisor";
    if (entry.is_regular_file() && !record) all[path] = read_file(entry);
  }
  return all;
}

fs::path artifacts(const Workspace& space) { return space.dir() / "artifacts/pod_logs"; }

}  // namespace

TEST_CASE("cut at any byte, a fetch ends whole, and a reader never sees a half") {
  CutSpace far("WF_TRANSPORT=libssh2\n");
  const Workspace& space = far.space;
  const fs::path run = make_run(space.outputs());
  put(run / "out/big.bin", noise(300'000, 1));
  for (int i = 0; i < 20; ++i) put(run / "out/small" / std::to_string(i), std::to_string(i));
  REQUIRE(flag_at(space.json({"fetch-run", "run"}), "ok"));
  const std::size_t whole = far.proxy.carried();
  const fs::path here = artifacts(space) / "run";
  const int cuts = std::getenv("WORKFLOW_THOROUGH") != nullptr ? 400 : 25;
  for (int n = 0; n < cuts; ++n) {
    const auto before = bytes_below(here);
    put(run / "out/big.bin", noise(300'000, 100U + unsigned(n)));
    put(run / "out/small/new", std::to_string(n));
    const auto after = bytes_below(run);
    const std::size_t at = 2'000 + whole * std::size_t(n) / std::size_t(cuts);
    CAPTURE(n, at, whole);
    std::atomic<bool> ended = false;
    bool torn = false;
    std::thread reader([&] {
      while (!ended) {
        // The log is in both trees; a tree that is being taken away is the one that was looked at.
        const auto big = real_files().read(here / "out/big.bin");
        if (!big || (*big != before.at("out/big.bin") && *big != after.at("out/big.bin"))) {
          torn = true;
        }
      }
    });
    far.proxy.cut_next_after(at);
    const Captured told = space.run({"fetch-run", "run"});
    far.proxy.cut_next_after(Proxy::never);
    ended = true;
    reader.join();
    INFO(told.out << told.err);
    CHECK_FALSE(torn);
    // What was lost before the agent had answered is not tried again; nothing has changed then.
    if (!told.ok()) {
      CHECK(told.status.code == 4);
      CHECK((bytes_below(here) == before));
      REQUIRE(space.run({"fetch-run", "run"}).ok());
    }
    CHECK((bytes_below(here) == after));
    CHECK_FALSE(fs::exists(artifacts(space) / ".run.fetch"));
  }
}

TEST_CASE("what had arrived before a cut does not come again") {
  CutSpace far("WF_TRANSPORT=libssh2\n");
  const Workspace& space = far.space;
  const fs::path run = make_run(space.outputs());
  put(run / "out/big.bin", noise(6'000'000, 1));
  (void)space.data({"pod-status"});
  far.proxy.cut_next_after(4'000'000);
  const Captured told = space.run({"fetch-run", "run"});
  INFO(told.err);
  REQUIRE(told.ok());
  CHECK(contains(told.err, "connection lost"));
  CHECK(far.proxy.carried() < 4'000'000);
  CHECK(read_file(artifacts(space) / "run/out/big.bin") == noise(6'000'000, 1));
}

TEST_CASE("a killed fetch leaves the old tree, and the next one goes on") {
  CutSpace far("WF_TRANSPORT=libssh2\n");
  const Workspace& space = far.space;
  const fs::path run = make_run(space.outputs());
  put(run / "out/big.bin", "the old one");
  REQUIRE(space.run({"fetch-run", "run"}).ok());
  const auto before = bytes_below(artifacts(space) / "run");
  put(run / "out/big.bin", noise(7'000'000, 2));
  far.proxy.cut_next_after(3'000'000);
  const pid_t fetch = space.start({"fetch-run", "run"}, "told");
  const fs::path part = artifacts(space) / ".run.fetch/out/big.bin";
  REQUIRE(eventually([&] { return fs::exists(part) && fs::file_size(part) > 1'000'000; }));
  ::kill(fetch, SIGKILL);
  (void)exit_of(fetch);
  CHECK((bytes_below(artifacts(space) / "run") == before));
  far.proxy.cut_next_after(Proxy::never);
  REQUIRE(space.run({"fetch-run", "run"}).ok());
  CHECK(read_file(artifacts(space) / "run/out/big.bin") == noise(7'000'000, 2));
  CHECK_FALSE(fs::exists(artifacts(space) / ".run.fetch"));
}

TEST_CASE("five thousand small files come in one connection") {
  need_private_mounts();
  CutSpace far("WF_TRANSPORT=libssh2\n");
  const Workspace& space = far.space;
  // In memory: a busy disk needs half a minute to make and take away so many.
  fs::create_directories(space.outputs());
  fs::create_directories(artifacts(space));
  const Tmpfs there(space.outputs(), 0);
  const Tmpfs here(artifacts(space), 0);
  const fs::path run = make_run(space.outputs());
  for (int i = 0; i < 5'000; ++i) {
    put(run / "out" / std::to_string(i % 50) / std::to_string(i), std::to_string(i));
  }
  (void)space.data({"pod-status"});
  const int before = far.proxy.connections();
  const Json data = space.data({"fetch-run", "run"});
  CHECK(far.proxy.connections() == before + 1);
  CHECK(number_at(data, "sent_files") == 5'004);
  CHECK((bytes_below(artifacts(space) / "run") == bytes_below(run)));
}

TEST_CASE("two fetches at once: both end, and what is here is whole") {
  const Workspace space;
  const fs::path run = make_run(space.outputs());
  for (int i = 0; i < 300; ++i) put(run / "out" / std::to_string(i), noise(20'000, unsigned(i)));
  std::vector<pid_t> fetches;
  for (int i = 0; i < 4; ++i) fetches.push_back(space.start({"fetch-run", "run"}, "told"));
  int good = 0;
  for (const pid_t fetch : fetches) {
    const int code = exit_of(fetch);
    CHECK((code == 0 || code == 5));
    good += code == 0;
  }
  INFO(space.read("told"));
  CHECK(good >= 1);
  CHECK((bytes_below(artifacts(space) / "run") == bytes_below(run)));
}

TEST_CASE("a disk without room is told before, one that fills during, and the old tree stays") {
  need_private_mounts();
  const Workspace space;
  const fs::path run = make_run(space.outputs());
  fs::create_directories(artifacts(space));
  const Tmpfs disk(artifacts(space), 0, "4m");
  REQUIRE(space.run({"fetch-run", "run"}).ok());
  const auto before = bytes_below(artifacts(space) / "run");
  put(run / "out/big", noise(6'000'000, 1));
  const Captured told = space.run({"fetch-run", "run"});
  INFO(told.err);
  CHECK(told.status.code == 7);
  CHECK(contains(told.err, "no room in "));
  CHECK((bytes_below(artifacts(space) / "run") == before));
  // Room for the bytes, but not for so many files' blocks.
  fs::remove(run / "out/big");
  for (int i = 0; i < 2'000; ++i) put(run / "out" / std::to_string(i), "x");
  const Captured full = space.run({"fetch-run", "run"});
  INFO(full.err);
  CHECK(full.status.code == 7);
  CHECK(contains(full.err, "No space left on device"));
  CHECK((bytes_below(artifacts(space) / "run") == before));
}

TEST_CASE("a log that grows while it is fetched is a prefix of what it will be") {
  const Workspace space;
  const fs::path run = make_run(space.outputs());
  const fs::path log = run / "stdout.log";
  put(log, "");
  std::atomic<bool> ended = false;
  std::thread writer([&] {
    std::ofstream out(log, std::ios::binary | std::ios::app);
    for (long i = 0; !ended; ++i) out << i << '\n' << std::flush;
  });
  for (int i = 0; i < 5; ++i) {
    const Captured told = space.run({"fetch-run", "run"});
    INFO(told.out << told.err);
    CHECK(told.ok());
    const std::string here = read_file(artifacts(space) / "run/stdout.log");
    CHECK(read_file(log).compare(0, here.size(), here) == 0);
  }
  ended = true;
  writer.join();
}

}  // namespace workflow::test
