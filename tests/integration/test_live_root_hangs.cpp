#include "tests/support/answers.h"
#include "tests/support/bucket.h"
#include "tests/support/sweeps.h"

// A file system under the outputs directory that stops to answer.
namespace workflow::test {
namespace {}  // namespace

TEST_CASE("a file system that hangs holds no command, and is told of") {
  need_private_mounts();
  Bucket at;
  (void)at.space.data({"pod-up"});
  const fs::path live = at.live();
  at.s3.hang(true);
  const std::int64_t before = system_clock().steady_ms();
  const Captured task = at.space.run({"task-run", "--id", "t", "--wait", "--", "echo", "hello"});
  INFO(task.err);
  CHECK(task.ok());
  CHECK(contains(task.out, "hello"));
  CHECK(contains(task.err, "goes on beside"));
  const Json state = at.space.data({"fsm-status"});
  CHECK(text_at(state, "state") == "POD_READY");
  CHECK_FALSE(text_at(member(state, "mirror"), "behind_since").empty());
  CHECK(text_at(at.space.data({"task-status", "t"}), "state") == "success");
  CHECK(system_clock().steady_ms() - before < 30'000);
  CHECK(contains(at.space.run({"doctor"}).out, "does not answer"));
  const Captured fetch = at.space.run({"fetch-run", "t"});
  CHECK(code_of(fetch) == 7);
  CHECK(contains(fetch.err, "does not answer"));
  CHECK(at.space.run({"clean"}).ok());

  const fs::path home = at.space.home();
  fs::rename(home, at.space.dir() / "home-1");
  fs::create_directories(home);
  const Json unknown = at.space.json({"fsm-status"});
  CHECK(code_of(unknown) == 7);
  CHECK(contains(text_at(member(unknown, "error"), "message"), "nothing is known"));
  fs::remove_all(home);
  fs::rename(at.space.dir() / "home-1", home);

  at.s3.hang(false);
  CHECK(at.space.run({"pod-status"}).ok());
  CHECK(at.mirrors(live, "_tasks/t/status.json"));
  CHECK(eventually(
      [&] { return member(at.space.data({"fsm-status"}), "mirror")["behind_since"].is_null(); }));
}

}  // namespace workflow::test
