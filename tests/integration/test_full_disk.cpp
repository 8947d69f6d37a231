// Disks that take no more: what was begun is told as it is, nothing is lost, and all goes on when
// there is room.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/private_mounts.h"
#include "tests/support/sweeps.h"
#include "tests/support/tasks.h"

namespace workflow::test {
namespace {

constexpr int page = 4096;

/// A file that takes all the room of a small disk but some pages, and gives it back.
class Filler {
 public:
  explicit Filler(fs::path file) : file_(std::move(file)) {}
  ~Filler() { empty(); }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

  void leave(int pages) const {
    const UniqueFd fd(::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    const std::string bytes(page, 'x');
    while (::write(fd.get(), bytes.data(), bytes.size()) == page) {
    }
    if (pages == 0) return;
    const auto size = ::lseek(fd.get(), 0, SEEK_END) / page * page;
    REQUIRE(::ftruncate(fd.get(), std::max<off_t>(0, size - off_t{pages} * page)) == 0);
  }
  void empty() const {
    std::error_code ignored;
    fs::remove(file_, ignored);
  }

 private:
  fs::path file_;
};

fs::path made(const fs::path& dir) {
  fs::create_directories(dir);
  return dir;
}

/// The command is refused with 7, says which file and what to do, and left the state alone.
void refused(const Workspace& space, const std::vector<std::string>& words, const fs::path& where,
             const std::string& hint) {
  const auto before = real_files().read(space.outputs() / "_control/workflow_state.json");
  const Captured done = space.run(words);
  INFO(join(words, " ") << "\n" << done.err);
  CHECK(done.status.code == 7);
  CHECK(done.err.find(where.string()) != std::string::npos);
  CHECK(done.err.find(hint) != std::string::npos);
  CHECK(real_files().read(space.outputs() / "_control/workflow_state.json") == before);
}

}  // namespace

TEST_CASE("on a disk with any number of pages left a task is started whole or not at all") {
  need_private_mounts();
  const Workspace space;
  const Tmpfs disk(made(space.outputs()), 0, "256k");
  (void)space.data({"pod-up"});
  const Filler filler(space.outputs() / "filler");
  bool refused_once = false;
  bool done_once = false;
  for (int pages = 0; !done_once || pages < 4; ++pages) {
    INFO(pages << " pages left");
    REQUIRE(pages < 20);
    filler.leave(pages);
    const std::string id = "t" + std::to_string(pages);
    const Captured started = space.run({"task-run", "--id", id, "--", "sh", "-c", "exit 0"});
    INFO(started.err);
    const bool done = started.status.code == 0;
    CHECK((done || started.status.code == 7));
    if (!done) {
      refused_once = true;
      CHECK(started.err.find("No space left on device") != std::string::npos);
      CHECK(recorded_state(space, id) != "running");
      CHECK(recorded_state(space, id) != "success");
    }
    done_once = done_once || done;
    filler.empty();
    if (!done && fs::exists(space.task_dir(id))) {
      CHECK(eventually([&] { return processes_with(space, {"supervise"}).empty(); }));
    }
    CHECK(space.run({"task-run", "--force", "--wait", "--id", id, "--", "sh", "-c", "exit 0"})
              .status.code == 0);
    CHECK(recorded_state(space, id) == "success");
  }
  CHECK(refused_once);
}

TEST_CASE("a task that ends on a full disk is running until there is room, and then as it ended") {
  need_private_mounts();
  const Workspace space;
  const Tmpfs disk(made(space.outputs()), 0, "256k");
  const std::string until_go = "until test -e \"$HOME/go\"; do sleep 0.02; done; ";
  (void)space.data({"task-run", "--id", "bad", "--cmd", until_go + "echo last words; exit 3"});
  (void)space.data({"task-run", "--id", "good", "--cmd", until_go + "exit 0"});
  const Filler filler(space.outputs() / "filler");
  filler.leave(0);
  const pid_t leader = leader_of(space, "bad");
  const pid_t supervisor = supervisor_of(space, "bad");
  space.write("home/go", "");
  REQUIRE(eventually([&] { return !process_lives(leader); }));
  for (const char* id : {"bad", "good"}) {
    const Json status = space.data({"task-status", id});
    CHECK(text_at(status, "state") == "running");
    CHECK(flag_at(status, "supervised"));
  }
  CHECK(process_lives(supervisor));
  CHECK(space.run({"task-wait", "--timeout-secs", "1", "bad"}).status.code == 124);
  filler.empty();
  CHECK(reaches(space, "bad", "failed"));
  CHECK(number_at(space.task("bad"), "exit_code") == 3);
  CHECK(reaches(space, "good", "success"));
}

TEST_CASE("a sweep waits for room, and runs every row once") {
  need_private_mounts();
  const Sweeps sweeps("SWEEP_MAX_CONSECUTIVE_FAILURES=1\nMIN_FREE_SPACE=0\n");
  const Workspace& space = sweeps.space;
  std::error_code moved;
  fs::rename(space.outputs(), space.dir() / "aside", moved);
  const Tmpfs disk(made(space.outputs()), 0, "1m");
  fs::copy(space.dir() / "aside", space.outputs(), fs::copy_options::recursive);
  sweeps.manifest({{.run_id = "a", .command = until_released}, {.run_id = "b"}, {.run_id = "c"}});
  const Filler filler(space.outputs() / "filler");
  filler.leave(0);
  refused(space, {"sweep-start"}, space.outputs(), "make room there: 0 bytes of");
  filler.empty();
  const Json started = sweeps.start();
  REQUIRE(sweeps.waits_for_start("a"));
  const fs::path log = space.task_dir(text_at(started, "task_id")) / "stdout.log";
  filler.leave(0);
  const pid_t leader = Sweeps::command_of(space.run_status("a"));
  sweeps.release();
  REQUIRE(eventually([&] { return !process_lives(leader); }));
  CHECK(sweeps.count("failed") == 0);
  CHECK(sweeps.count("success") == 0);
  CHECK(text_at(sweeps.truth(), "state") == "SWEEP_RUNNING");
  filler.empty();
  INFO(real_files().read(log).value_or(""));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == 3);
  for (const char* id : {"a", "b", "c"}) CHECK(sweeps.starts(id) == 1);
}

TEST_CASE("rows are started whole on any number of pages, none is lost and none fails for it") {
  need_private_mounts();
  const Sweeps sweeps("SWEEP_MAX_CONSECUTIVE_FAILURES=1\nMIN_FREE_SPACE=0\n");
  const Workspace& space = sweeps.space;
  fs::rename(space.outputs(), space.dir() / "aside");
  const Tmpfs disk(made(space.outputs()), 0, "1m");
  fs::copy(space.dir() / "aside", space.outputs(), fs::copy_options::recursive);
  std::vector<TestRow> rows{{.run_id = "first", .command = until_released}};
  for (int i = 0; i < 4; ++i) rows.push_back({.run_id = "r" + std::to_string(i)});
  sweeps.manifest(rows);
  (void)sweeps.start();
  REQUIRE(sweeps.waits_for_start("first"));
  const Filler filler(space.outputs() / "filler");
  filler.leave(9);  // enough for some records and not for all
  sweeps.release();
  CHECK(eventually([&] {
    const std::string log = log_of(space, "sweep-" + text_at(space.state(), "campaign"));
    return log.find("waits") != std::string::npos ||
           log.find("every selected row") != std::string::npos;
  }));
  CHECK(sweeps.count("failed") == 0);
  filler.empty();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == 5);
  for (const auto& row : rows) CHECK(sweeps.starts(row.run_id) == 1);
}

TEST_CASE("a disk without room, names, writing or quota says so, and readers go on") {
  need_private_mounts();
  const Workspace space;
  const fs::path outputs = made(space.outputs());
  {
    const Tmpfs disk(outputs, 0, "64k");
    (void)space.data({"pod-up"});
    (void)space.data({"task-run", "--wait", "--id", "one", "--", "true"});
    const Filler filler(outputs / "filler");
    filler.leave(0);
    refused(space, {"fsm-reset", "BOOTSTRAPPED"}, outputs / "_control", "make room there: 0 bytes");
    refused(space, {"task-run", "--", "true"}, outputs / "_tasks", "make room there: 0 bytes");
    filler.empty();
    const std::string here = outputs.string();
    REQUIRE(::mount(nullptr, here.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"fsm-status"},
                                               {"fsm-log"},
                                               {"task-list"},
                                               {"task-status", "one"},
                                               {"task-logs", "one"}}) {
      INFO(words[0]);
      CHECK(space.run(words).status.code == 0);
    }
    const Captured reset = space.run({"fsm-reset"});
    CHECK(reset.status.code == 7);
    CHECK(reset.err.find("Read-only file system") != std::string::npos);
  }
  {
    const Tmpfs disk(outputs, 0, "1m,nr_inodes=8");
    const Captured done = space.run({"task-run", "--id", "names", "--", "true"});
    INFO(done.err);
    CHECK(done.status.code == 7);
    CHECK(done.err.find("no more files fit there") != std::string::npos);
    CHECK_FALSE(fs::exists(space.task_dir("names")));
  }
  {
    const Tmpfs home(made(space.home()), 0, "4k");
    const Filler filler(space.home() / "filler");
    filler.leave(0);
    const Captured done = space.run({"pod-up"});
    INFO(done.err);
    CHECK(done.status.code != 0);
    CHECK(done.err.find("No space left on device") != std::string::npos);
  }
}

TEST_CASE("a quota that is used up is told as one") {
  need_private_mounts();
  const Workspace space;
  const std::string outputs = made(space.outputs()).string();
  CaptureSpec spec;
  spec.argv = {"/bin/sh", "-ec",
               "truncate -s 128M disk; mkfs.btrfs -q disk; mkdir mnt; mount -o loop disk mnt; "
               "btrfs -q quota enable mnt; btrfs -q subvolume create mnt/o; "
               "btrfs -q qgroup limit 1M mnt/o; mount --bind mnt/o '" +
                   outputs + "'"};
  spec.workdir = space.dir();
  const Captured made_quota = capture(spec);
  if (!made_quota.ok()) {
    FAIL("no quota can be made: " << made_quota.err);
  } else {
    (void)space.data({"task-run", "--wait", "--id", "one", "--", "true"});
    const Filler filler(space.outputs() / "filler");
    filler.leave(0);
    const Captured done = space.run({"task-run", "--id", "two", "--", "true"});
    INFO(done.err);
    CHECK(done.status.code == 7);
    CHECK(done.err.find("Disk quota exceeded") != std::string::npos);
    CHECK(done.err.find("your quota is used up there") != std::string::npos);
    filler.empty();
    CHECK(eventually([&] {
      return space.run({"task-run", "--wait", "--id", "two", "--", "true"}).status.code == 0;
    }));
  }
  ::umount2(outputs.c_str(), MNT_DETACH);
  ::umount2((space.dir() / "mnt").c_str(), MNT_DETACH);
}

}  // namespace workflow::test
