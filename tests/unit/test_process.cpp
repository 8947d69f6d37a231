#include "tasks/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/spawn.h"
#include "tests/support/eventually.h"

using namespace workflow;
using namespace workflow::tasks;
using workflow::test::eventually;
using workflow::test::eventually_is;

namespace {

/// A child of ours that sleeps; killed and waited for at the end.
class Sleeper {
 public:
  explicit Sleeper(std::vector<std::string> argv = {"sleep", "1000"}) {
    SpawnSpec spec;
    spec.argv = std::move(argv);
    spec.env = environment_with({"WORKFLOW_TEST_MARK=" + std::to_string(::getpid())});
    pid_ = spawn(spec).pid;
  }
  ~Sleeper() { end(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill() const { ::kill(pid_, SIGKILL); }
  void end() {
    if (pid_ <= 0) return;
    kill();
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

bool holds(const std::vector<ProcessRef>& list, pid_t pid) {
  for (const auto& process : list) {
    if (process.pid == pid) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a process lives until it is a zombie") {
  Sleeper child;
  const ProcessRef ref = reference(child.pid());
  CHECK(ref.start != 0);
  CHECK(judge(ref, here()) == Liveness::alive);
  child.kill();
  REQUIRE(eventually([&] { return !start_time(child.pid()); }));
  CHECK(judge(ref, here()) == Liveness::gone);  // not waited for yet
  child.end();
  CHECK(judge(ref, here()) == Liveness::gone);
  CHECK_FALSE(send_signal(ref, SIGTERM));
  CHECK_FALSE(watch(ref).valid());
}

TEST_CASE("a number that was given to another process is not that process") {
  const Sleeper child;
  ProcessRef ref = reference(child.pid());
  ref.start -= 1;
  CHECK(judge(ref, here()) == Liveness::gone);
  CHECK_FALSE(watch(ref).valid());
  CHECK_FALSE(send_signal(ref, SIGKILL));
  CHECK(start_time(child.pid()));
}

TEST_CASE("only the same kernel and pid namespace can prove anything") {
  const ProcessRef self = reference(::getpid());
  Place place = here();
  CHECK(judge(self, place) == Liveness::alive);
  place.boot_id = "another";
  CHECK(judge(self, place) == Liveness::gone);  // this host has booted since
  place.host = "elsewhere";
  CHECK(judge(self, place) == Liveness::unknown);
  place = here();
  place.pid_namespace = "pid:[1]";
  CHECK(judge(self, place) == Liveness::unknown);
  place.boot_id.clear();
  CHECK(judge(self, place) == Liveness::unknown);
  CHECK(judge(ProcessRef{}, here()) == Liveness::unknown);
}

TEST_CASE("the tree below a process, and who carries a mark") {
  const Sleeper shell({"sh", "-c", "sleep 1000 & wait"});
  REQUIRE(eventually_is([&] { return descendants(shell.pid()).size(); }, std::size_t{1}));
  const pid_t grandchild = descendants(shell.pid()).front().pid;
  CHECK(holds(descendants(::getpid()), shell.pid()));
  CHECK(holds(descendants(::getpid()), grandchild));
  const std::string mark = "WORKFLOW_TEST_MARK=" + std::to_string(::getpid());
  CHECK(holds(carrying(mark), shell.pid()));
  CHECK(holds(carrying(mark), grandchild));
  CHECK_FALSE(holds(carrying(mark), ::getpid()));
  CHECK(carrying(mark + "0").empty());
  CHECK(carrying("ORKFLOW_TEST_MARK=" + std::to_string(::getpid())).empty());
  CHECK(command_line(shell.pid()).rfind("sh -c", 0) == 0);
  CHECK(send_signal(reference(grandchild), SIGKILL));
}
