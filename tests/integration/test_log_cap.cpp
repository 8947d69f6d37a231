// A log that grows without end: its middle goes, what is left is told as it is, everywhere.
#include <sys/mount.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tasks/log_cap.h"
#include "tests/support/eventually.h"
#include "tests/support/private_mounts.h"
#include "tests/support/sweeps.h"
#include "tests/support/tasks.h"

namespace workflow::test {
namespace {

/// Ten megabytes of numbered lines.
constexpr const char* chatter = "seq -f 'line %014.0f' 0 500000";
constexpr std::int64_t cap = 1 << 20U;

std::int64_t blocks_of(const fs::path& file) {
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  return info.st_blocks * 512;
}

}  // namespace

TEST_CASE("a task's log keeps head and tail under LOG_MAX_SIZE, and its readers are told") {
  const Workspace space("LOG_MAX_SIZE=1M\n");
  (void)space.data({"task-run", "--id", "chatter", "--wait", "--cmd", chatter});
  const fs::path log = space.task_dir("chatter") / "stdout.log";
  const Json hole = member(space.task("chatter"), "log_hole");
  const auto from = number_at(hole, "from");
  const auto to = number_at(hole, "to");
  CHECK(from == cap / 4);
  CHECK(to > from);
  CHECK(fs::file_size(log) == 500'001 * 20);
  CHECK(blocks_of(log) <= cap + 65'536);

  const Captured read = space.run({"task-logs", "chatter"});
  CHECK(read.status.code == 0);
  CHECK(read.out.size() == 500'001 * 20 - static_cast<std::size_t>(to - from));
  CHECK(read.out.find('\0') == std::string::npos);
  CHECK(read.out.starts_with("line 00000000000000\n"));
  CHECK(read.out.ends_with("line 00000000500000\n"));
  CHECK(read.err.find("left out here: the log grew beyond LOG_MAX_SIZE") != std::string::npos);

  const Captured events = space.run({"task-logs", "-f", "chatter", "--json"});
  CHECK(events.out.find("\"event\":\"log_hole\"") != std::string::npos);
  CHECK(events.out.find("\\u0000") == std::string::npos);
}

TEST_CASE("a follower of a log that is capped meanwhile sees no zeros") {
  const Workspace space("LOG_MAX_SIZE=1M\n");
  // Each round waits until the cap has struck: it does so while the log is read.
  (void)space.data({"task-run", "--id", "slow", "--cmd",
                    "for i in 1 2 3 4; do seq -f 'line %014.0f' 0 60000; "
                    "while [ $(stat -Lc %b /proc/$$/fd/1) -gt 2048 ]; do sleep 0.05; done; done"});
  const Captured followed = space.run({"task-logs", "-f", "slow"});
  CHECK(followed.out.find('\0') == std::string::npos);
  CHECK(followed.out.starts_with("line 00000000000000\n"));
  CHECK(followed.out.ends_with("line 00000000060000\n"));
  CHECK(number_at(member(space.task("slow"), "log_hole"), "to") > 0);
}

TEST_CASE("a run's log comes home with its offsets, and the middle as no bytes on the way") {
  const Sweeps sweeps("LOG_MAX_SIZE=1M\n");
  sweeps.manifest(
      {{.run_id = "loud", .command = chatter + std::string("; python3 -c 'import nosuch'")}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const Json summary = sweeps.space.run_summary("loud");
  const Json& hole = member(summary, "log_hole");
  CHECK(number_at(hole, "to") > number_at(hole, "from"));
  const Json& failure = member(summary, "failure");
  CHECK(text_at(failure, "class") == "import");
  CHECK(number_at(failure, "offset") > 10'000'000);
  CHECK(member(failure, "line_number").is_null());  // nobody can count what is gone

  const Json fetched = sweeps.space.data({"fetch-run", "loud"});
  CHECK(number_at(fetched, "sent_bytes") < 2 * cap);
  CHECK(dump_json(member(fetched, "runs")).find("stdout.log leaves out") != std::string::npos);
  const fs::path here = sweeps.space.dir() / "artifacts/pod_logs/loud/stdout.log";
  CHECK(read_file(here) == read_file(sweeps.run_dir("loud") / "stdout.log"));
  CHECK(blocks_of(here) < 2 * cap);
}

TEST_CASE("what was fetched before the target gave it up stays here") {
  const Sweeps sweeps("LOG_MAX_SIZE=1M\n");
  sweeps.manifest({{.run_id = "loud",
                    .command = std::string("seq -f 'line %014.0f' 0 30000; ") + until_released +
                               "; " + chatter}});
  (void)sweeps.start();
  REQUIRE(sweeps.waits_for_start("loud"));
  const fs::path log = sweeps.run_dir("loud") / "stdout.log";
  constexpr std::size_t first = 30'001 * 20;
  REQUIRE(eventually([&] { return fs::exists(log) && fs::file_size(log) >= first; }));
  (void)sweeps.space.data({"fetch-run", "loud"});
  const fs::path here = sweeps.space.dir() / "artifacts/pod_logs/loud/stdout.log";
  const std::string whole = read_file(here);
  REQUIRE(whole.size() >= first);
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  const Json again = sweeps.space.data({"fetch-run", "loud"});
  CHECK(read_file(here) == read_file(log));
  const fs::path shelf = sweeps.space.dir() / "artifacts/pod_logs/_bak/loud";
  const auto kept = real_files().list(shelf);
  REQUIRE(kept.size() == 1);
  CHECK(read_file(shelf / kept[0] / "stdout.log") == whole);
  CHECK(dump_json(again).find("bytes here that the target has given up") != std::string::npos);
}

TEST_CASE("where a file cannot leave out a part, nothing is, and the record says so") {
  need_private_mounts();
  const Workspace space;
  const fs::path at = space.dir() / "ramfs";
  fs::create_directories(at);
  REQUIRE(::mount("ramfs", at.c_str(), "ramfs", 0, nullptr) == 0);
  const fs::path log = at / "stdout.log";
  real_files().append(log, std::string(3 * cap, 'x'));
  FileHole noted{1, 2};
  std::string why;
  tasks::LogCap capped(log, cap, {}, [&](const FileHole& hole, const std::string& fault) {
    noted = hole;
    why = fault;
  });
  capped.turn(capped.next_ms());
  CHECK(noted == FileHole{});
  CHECK(why.starts_with("the log grows beyond LOG_MAX_SIZE: its file system cannot leave out"));
  CHECK(capped.next_ms() == INT64_MAX);
  CHECK(read_file(log) == std::string(3 * cap, 'x'));
  CHECK(::umount2(at.c_str(), MNT_DETACH) == 0);
}

}  // namespace workflow::test
