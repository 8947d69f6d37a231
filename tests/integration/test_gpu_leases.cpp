// Leases on GPUs among real processes: races, killed holders, other users, what cannot be judged.
#include "tasks/gpu_leases.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <iostream>

#include "common/error.h"
#include "common/json.h"
#include "tasks/store.h"
#include "tests/support/eventually.h"
#include "tests/support/private_mounts.h"
#include "tests/support/scratch.h"

using namespace workflow;
using namespace workflow::tasks;
using namespace workflow::test;
using Names = std::vector<std::string>;

namespace {

/// A directory for leases that other users may reach.
class Shelf {
 public:
  Shelf() { ::chmod(scratch_.path().c_str(), 0755); }
  [[nodiscard]] GpuLeases leases() const { return GpuLeases(scratch_ / "gpus"); }
  [[nodiscard]] fs::path dir() const { return scratch_ / "gpus"; }
  [[nodiscard]] Names files() const {
    Names found = real_files().list(dir());
    std::erase(found, "lock");
    return found;
  }
  [[nodiscard]] GpuHolder holder(const std::string& id) const {
    return {.dir = scratch_ / id, .id = id, .user = "ana@laptop", .owner = id};
  }

 private:
  Scratch scratch_;
};

/// Another process; what it returns is its exit code.
class Other {
 public:
  explicit Other(const std::function<int()>& work) : pid_(::fork()) {
    if (pid_ != 0) return;
    try {
      ::_exit(work());
    } catch (const std::exception& fault) {
      std::cerr << fault.what() << "\n";
      ::_exit(99);
    }
  }
  ~Other() { (void)end(); }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  /// Its exit code, 128 and more for a signal.
  int end() {
    if (pid_ <= 0) return -1;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void kill() const { ::kill(pid_, SIGKILL); }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

/// A holder that lives until it is killed.
int hold(const Shelf& place, const std::string& id, const Names& gpus, std::int64_t share = 1) {
  if (!place.leases().take(gpus, share, place.holder(id)).empty()) return 1;
  real_files().write(place.dir().parent_path() / (id + "-holds"), "");
  while (true) ::pause();
}

bool holds(const Shelf& place, const std::string& id) {
  return eventually([&] { return fs::exists(place.dir().parent_path() / (id + "-holds")); });
}

/// One of the places on a GPU: only one process may have it at a time.
class Seat {
 public:
  explicit Seat(fs::path file) : file_(std::move(file)) {
    fd_ = UniqueFd(::open(file_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  }
  Seat(Seat&&) = default;
  ~Seat() {
    if (fd_.valid()) ::unlink(file_.c_str());
  }
  [[nodiscard]] bool ours() const { return fd_.valid(); }

 private:
  fs::path file_;
  UniqueFd fd_;
};

/// Both seats of a GPU for a whole one, either for a half; false when others sit there.
bool sit(const fs::path& dir, const Names& gpus, std::int64_t share) {
  std::vector<Seat> seats;
  for (const auto& gpu : gpus) {
    seats.emplace_back(dir / (gpu + ".left"));
    if (share == 1 && !seats.back().ours()) return false;
    if (share == 1 || !seats.back().ours()) seats.emplace_back(dir / (gpu + ".right"));
    if (!seats.back().ours()) return false;
  }
  return true;
}

/// Takes and gives back until it has had `wins`; 1 when somebody sat where it had a lease.
int race(const Shelf& place, const fs::path& seats, const std::string& id, int wins) {
  GpuLeases leases = place.leases();
  for (int round = 0; wins > 0; ++round) {
    const std::int64_t share = 1 + round % 2;
    const Names gpus = round % 3 == 0 ? Names{"a", "b"} : Names{round % 3 == 1 ? "a" : "b"};
    if (!leases.take(gpus, share, place.holder(id)).empty()) continue;
    if (!sit(seats, gpus, share)) return 1;
    leases.release(place.holder(id).dir);
    wins -= 1;
  }
  return 0;
}

}  // namespace

TEST_CASE("a GPU has one holder, or as many as it has parts") {
  const Shelf place;
  GpuLeases leases = place.leases();
  CHECK(leases.held_by_others("").empty());
  CHECK_FALSE(fs::exists(place.dir()));  // whoever only looks makes nothing
  CHECK(leases.take({"a", "b"}, 1, place.holder("one")).empty());
  const auto in_the_way = leases.take({"c", "b"}, 1, place.holder("two"));
  REQUIRE(in_the_way.size() == 1);
  CHECK(in_the_way[0].gpu == "b");
  CHECK(in_the_way[0].alive == Liveness::alive);
  CHECK(in_the_way[0].holder.find("'one' of ana@laptop (pid ") == 0);
  CHECK(leases.take({"c"}, 1, place.holder("three")).empty());  // "two" got none of them
  CHECK(leases.take({"d"}, 3, place.holder("p1")).empty());
  CHECK(leases.take({"d"}, 3, place.holder("p2")).empty());
  CHECK(leases.take({"d"}, 2, place.holder("p3")).size() == 2);
  CHECK(leases.take({"d"}, 3, place.holder("p3")).empty());
  CHECK(leases.take({"d"}, 64, place.holder("p4")).size() == 3);
  // The same task again is not in its own way.
  CHECK(leases.take({"b"}, 1, place.holder("one")).empty());
  CHECK(leases.take({"a"}, 1, place.holder("two")).empty());
  CHECK(leases.held_by_others("").size() == 6);
  CHECK(leases.held_by_others("p2").size() == 5);
  leases.release(place.holder("one").dir);
  leases.release(place.holder("never").dir);
  CHECK(leases.take({"b"}, 1, place.holder("four")).empty());
}

TEST_CASE("processes that race never have the same GPU") {
  const Shelf place;
  const Scratch seats;
  std::vector<std::unique_ptr<Other>> racers;
  for (const char* id : {"one", "two", "three"}) {
    racers.push_back(std::make_unique<Other>([&] { return race(place, seats.path(), id, 400); }));
  }
  for (const auto& racer : racers) CHECK(racer->end() == 0);
  CHECK(place.files().empty());
}

TEST_CASE("the seats of the race do tell a GPU that two have") {
  const Scratch seats;
  const Seat other(seats / "a.left");
  CHECK_FALSE(sit(seats.path(), {"a"}, 1));
  CHECK(sit(seats.path(), {"a"}, 2));
}

TEST_CASE("a killed holder holds no longer, and its lease goes") {
  const Shelf place;
  Other holder([&] { return hold(place, "one", {"a"}); });
  REQUIRE(holds(place, "one"));
  GpuLeases leases = place.leases();
  CHECK(leases.take({"a"}, 1, place.holder("two")).size() == 1);
  holder.kill();
  CHECK(holder.end() == 128 + SIGKILL);
  CHECK(leases.held_by_others("").empty());
  CHECK(place.files().empty());
  CHECK(leases.take({"a"}, 1, place.holder("two")).empty());
}

TEST_CASE("a lease goes by the processes that its task has now") {
  const Shelf place;
  Other trainer([] {
    while (true) ::pause();
    return 0;
  });
  Other starter([&] {
    GpuLeases leases = place.leases();
    if (!leases.take({"a"}, 1, place.holder("run")).empty()) return 1;
    leases.runs_as(place.holder("run").dir, {reference(trainer.pid())});
    return 0;
  });
  CHECK(starter.end() == 0);
  GpuLeases leases = place.leases();
  REQUIRE(leases.held_by_others("").size() == 1);
  CHECK(leases.held_by_others("")[0].holder.find(std::to_string(trainer.pid())) !=
        std::string::npos);
  // Another user may not read the task's own record: its processes are proof enough.
  fs::create_directories(place.holder("run").dir);
  real_files().write(place.holder("run").dir / "status.json", "not for you");
  trainer.kill();
  (void)trainer.end();
  CHECK(leases.held_by_others("").empty());
}

TEST_CASE("a lease whose starter died is judged by the task's own record") {
  const Shelf place;
  GpuLeases leases = place.leases();
  const auto start_and_die = [&] {
    return Other([&] { return leases.take({"a"}, 1, place.holder("run")).empty() ? 0 : 1; }).end();
  };
  const auto dir = place.holder("run").dir;
  CHECK(start_and_die() == 0);
  CHECK(leases.held_by_others("").empty());  // the task never came to be
  CHECK(start_and_die() == 0);
  TaskSpec spec;
  spec.task_id = "run";
  fs::create_directories(dir);
  write_task(real_files(), system_clock(), dir, dir, spec);
  const FileLock starting = FileLock::take(supervisor_lock(dir), 1'000);
  CHECK(leases.held_by_others("").size() == 1);  // a supervisor is coming up
  real_files().write(dir / "status.json", "torn");
  CHECK(leases.held_by_others("").at(0).alive == Liveness::unknown);
  TaskRecord record;
  record.state = TaskState::failed;
  record.ended_ms = 1;
  real_files().write(dir / "status.json", pretty_json(status_json(spec, record, dir)));
  CHECK(leases.held_by_others("").empty());
}

TEST_CASE("what cannot be judged holds, and says how to end it") {
  const Shelf place;
  GpuLeases leases = place.leases();
  CHECK(leases.take({"a"}, 1, place.holder("one")).empty());
  const fs::path file = place.dir() / place.files().at(0);
  Json lease = parse_json(read_file(file), "lease");
  const auto with = [&](const char* key, const char* value) {
    Json changed = lease;
    changed[key] = value;
    real_files().write(place.dir() / "0-other.json", dump_json(changed));
    return leases.held_by_others("");
  };
  leases.release(place.holder("one").dir);
  for (const auto& held :
       {with("pid_namespace", "pid:[1]"), with("schema", "workflow.gpu-lease/2")}) {
    REQUIRE(held.size() == 1);
    CHECK(held[0].alive == Liveness::unknown);
    CHECK(held[0].holder.find("remove '" + (place.dir() / "0-other.json").string()) !=
          std::string::npos);
  }
  CHECK(leases.take({"a"}, 1, place.holder("two")).size() == 1);
  // This host has booted since: proof.
  CHECK(with("boot_id", "an-earlier-one").empty());
  CHECK(leases.take({"a"}, 1, place.holder("two")).empty());
}

TEST_CASE("what is no lease is passed over, and never followed") {
  const Shelf place;
  GpuLeases leases = place.leases();
  CHECK(leases.take({"z"}, 1, place.holder("one")).empty());
  leases.release(place.holder("one").dir);
  fs::create_symlink("/etc/passwd", place.dir() / "0-link.json");
  ::mkfifo((place.dir() / "0-fifo.json").c_str(), 0666);
  real_files().write(place.dir() / "0-torn.json", "{\"schema\": \"workflow.gpu-lease/1\", \"gp");
  real_files().write(place.dir() / "0-odd.json",
                     "{\"schema\": \"workflow.gpu-lease/1\", \"gpus\": \"a\", \"share\": -3, "
                     "\"processes\": 7, \"dir\": []}");
  real_files().write(place.dir() / "0-deep.json", std::string(60000, '['));
  CHECK(leases.take({"a"}, 1, place.holder("one")).empty());
  CHECK(fs::is_symlink(place.dir() / "0-link.json"));
  CHECK(fs::file_size("/etc/passwd") > 0);
}

TEST_CASE("a directory or lock that is not for everybody is refused") {
  const Scratch scratch;
  real_files().write(scratch / "file", "");
  fs::create_symlink(scratch.path(), scratch / "link");
  for (const char* name : {"file", "link", "no/such/parent"}) {
    CAPTURE(name);
    CHECK_THROWS_WITH(GpuLeases(scratch / name).take({"a"}, 1, {.dir = scratch / "t", .id = "t"}),
                      Catch::Contains("cannot be kept in"));
  }
  fs::create_directory(scratch / "gpus");
  fs::create_symlink("/etc/passwd", scratch / "gpus" / "lock");
  CHECK_THROWS_WITH(GpuLeases(scratch / "gpus").take({"a"}, 1, {.dir = scratch / "t", .id = "t"}),
                    Catch::Contains("cannot be had"));
}

TEST_CASE("users with their own umask share the directory") {
  const Shelf place;
  const bool root = ::geteuid() == 0;
  if (!root) WARN("not root: the other user is this one");
  const auto as_other = [&](const std::function<int()>& work) {
    return Other([&] {
             ::umask(077);
             if (root && ::setuid(65534) != 0) return 98;
             return work();
           })
        .end();
  };
  const mode_t before = ::umask(077);
  CHECK(place.leases().take({"a"}, 1, place.holder("one")).empty());
  ::umask(before);
  CHECK((fs::status(place.dir()).permissions() & fs::perms::mask) == static_cast<fs::perms>(01777));
  // The other user sees who is in the way, and takes what is free.
  CHECK(as_other([&] {
          return static_cast<int>(place.leases().take({"a"}, 1, place.holder("two")).size());
        }) == 1);
  Other died([&] { return place.leases().take({"b"}, 1, place.holder("dead")).empty() ? 0 : 1; });
  CHECK(died.end() == 0);
  // It cannot remove another's dead lease, and takes its GPU all the same.
  CHECK(as_other([&] {
          return static_cast<int>(place.leases().take({"b"}, 1, place.holder("two")).size());
        }) == 0);
  CHECK(place.leases().take({"b"}, 1, place.holder("three")).empty());
}

TEST_CASE("a user who may not see others' processes does not take them for dead") {
  if (::geteuid() != 0) {
    WARN("not root: /proc cannot be mounted to hide processes");
    return;
  }
  const Shelf place;
  CHECK(place.leases().take({"a"}, 1, place.holder("one")).empty());
  Other died([&] { return place.leases().take({"b"}, 1, place.holder("dead")).empty() ? 0 : 1; });
  CHECK(died.end() == 0);
  CHECK(Other([&] {
          need_private_mounts();
          if (::mount("proc", "/proc", "proc", 0, "hidepid=2") != 0) return 97;
          if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 98;
          const auto held = place.leases().held_by_others("");
          const bool right =
              held.size() == 1 && held[0].gpu == "a" && held[0].alive == Liveness::unknown;
          return right ? 0 : static_cast<int>(10 + held.size());
        }).end() == 0);
}
