// How a run ended when the kernel had a hand in it: a real OOM killer in a real small cgroup.
#include <catch2/catch.hpp>

#include "tests/support/small_cgroup.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

constexpr std::int64_t limit_bytes = 192LL << 20U;

}  // namespace

TEST_CASE("a run that the kernel killed for its memory is oom_host, somebody's KILL is killed") {
  const SmallCgroup cgroup(limit_bytes);
  const Sweeps sweeps("SWEEP_MAX_RETRIES=0\n");
  // `tail` keeps what has no line end, and /dev/zero never ends.
  sweeps.manifest({{.run_id = "eats", .command = "exec tail /dev/zero"},
                   {.run_id = "child", .command = "tail /dev/zero; exit $?"},
                   {.run_id = "somebody", .command = "kill -9 $$"},
                   {.run_id = "crashes", .command = "kill -SEGV $$"}});
  cgroup.enter();
  (void)sweeps.start();
  cgroup.leave();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  const auto failure = [&](const char* run, const char* key) {
    return text_at(member(sweeps.space.run_summary(run), "failure"), key);
  };
  for (const char* run : {"eats", "child"}) {
    INFO(run << " " << dump_json(sweeps.space.run_summary(run)));
    CHECK(failure(run, "class") == "oom_host");
    const std::string proof = failure(run, "evidence");
    INFO(proof);
    // The log where we may read it, the cgroup's own counter elsewhere.
    const bool by_log = proof.find("Killed process") != std::string::npos &&
                        proof.find("(tail)") != std::string::npos;
    CHECK((by_log || proof.starts_with("cgroup: oom_kill grew by ")));
    const std::string told = sweeps.space.run({"why", run}).out;
    CHECK(told.find("oom_host: " + proof.substr(0, 20)) != std::string::npos);
  }
  CHECK(failure("somebody", "class") == "killed");
  CHECK(failure("somebody", "evidence").empty());
  CHECK(text_at(sweeps.space.run_summary("somebody"), "reason") ==
        "ended by SIGKILL, which somebody else sent");
  CHECK(failure("crashes", "class") == "killed");
  CHECK(text_at(sweeps.space.run_summary("crashes"), "reason").starts_with("crashed by SIGSEGV"));
}
