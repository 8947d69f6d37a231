#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/private_mounts.h"
#include "tests/support/sweeps.h"

// RUN_OUT_MODE=local_sync: what a training writes to a local disk comes to stay in the outputs.
namespace workflow::test {
namespace {

constexpr const char* local_sync = "RUN_OUT_MODE=local_sync\nSYNC_INTERVAL_SECS=1\n";

fs::path local_out(const Sweeps& sweeps, const std::string& id) {
  return sweeps.space.dir() / ".workflow/repo/out" / id;
}

fs::path durable_out(const Sweeps& sweeps, const std::string& id) {
  return sweeps.run_dir(id) / "out";
}

std::string text_of(const fs::path& file) { return real_files().read(file).value_or("(absent)"); }

}  // namespace

TEST_CASE("what a training writes locally is durable at its end, also after its supervisor died") {
  const Sweeps sweeps(local_sync);
  sweeps.manifest({{"a", std::string("cd \"$TRAIN_OUT_DIR\"; echo 1 >ckpt; echo 2 >gone; ") +
                             until_released + "; rm gone; echo 3 >ckpt"},
                   {"b",
                    "mkdir -p \"$TRAIN_OUT_DIR/deep/er\"; cd \"$TRAIN_OUT_DIR\";"
                    "echo one >deep/er/ckpt.pt; ln -s deep/er/ckpt.pt latest; ln -s /etc outside;"
                    "mkfifo pipe; printf '{\"best\":0.5}' >summary.json; touch $'odd\\nname'"}});
  sweeps.start();
  const fs::path first = durable_out(sweeps, "a");
  REQUIRE(eventually([&] { return fs::exists(first / "gone"); }));
  CHECK(text_of(first / "ckpt") == "1\n");
  real_files().write(first / "mine", "put here by hand\n");
  Sweeps::kill_hard(Sweeps::supervisor_of(sweeps.space.run_status("a")));
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(text_of(first / "gone") == "2\n");  // nothing durable is ever deleted
  CHECK(text_of(first / "mine") == "put here by hand\n");
  CHECK(text_of(first / "ckpt") == "3\n");
  CHECK(sweeps.count("lost") == 1);  // its exit code is nobody's any more
  CHECK(flag_at(member(sweeps.space.run_summary("a"), "sync"), "ok"));

  const Json summary = sweeps.space.run_summary("b");
  INFO(summary.dump());
  CHECK(flag_at(summary, "ok"));
  CHECK(flag_at(member(summary, "sync"), "ok"));
  CHECK(flag_at(member(summary, "sync"), "last"));
  CHECK(member(member(summary, "trainer"), "best") == 0.5);
  CHECK(fs::path(text_at(summary, "train_out_dir")) == local_out(sweeps, "b"));
  const fs::path out = durable_out(sweeps, "b");
  CHECK(text_of(out / "deep/er/ckpt.pt") == "one\n");
  CHECK(fs::exists(out / "odd\nname"));
  CHECK(fs::read_symlink(out / "latest") == "deep/er/ckpt.pt");
  CHECK(fs::read_symlink(out / "outside") == "/etc");
  CHECK_FALSE(fs::exists(fs::symlink_status(out / "pipe")));
}

TEST_CASE("a durable disk without room: the row has not ended well, and its checkpoint is kept") {
  need_private_mounts();
  const Sweeps sweeps(std::string(local_sync) + "MIN_FREE_SPACE=0\n");
  fs::create_directories(sweeps.run_dir("a"));
  const Tmpfs small(sweeps.run_dir("a"), 0, "4m");
  sweeps.manifest({{"a",
                    "cd \"$TRAIN_OUT_DIR\"; echo small >ok; test -e big || "
                    "head -c 9000000 /dev/zero >big"}});
  sweeps.start();
  REQUIRE(eventually([&] { return fs::exists(sweeps.run_dir("a") / "summary.json"); }));
  const Json summary = sweeps.space.run_summary("a");
  INFO(summary.dump());
  CHECK_FALSE(flag_at(summary, "ok", true));
  CHECK(number_at(summary, "exit_code") == 0);
  CHECK(text_at(member(summary, "failure"), "class") == "disk_full");
  CHECK(member(summary, "sync")["behind_files"] == Json({"big"}));
  CHECK(contains(text_at(summary, "reason"), "No space left"));
  // It is tried again once there may be room: no fault of the row's.
  CHECK(eventually([&] { return sweeps.count("pending") == 1; }));
  CHECK(text_of(durable_out(sweeps, "a") / "ok") == "small\n");
  CHECK(fs::file_size(local_out(sweeps, "a") / "big") == 9'000'000);
  CHECK(contains(sweeps.space.run({"why", "a"}).out, "disk_full"));
  (void)sweeps.space.data({"-y", "sweep-stop"});
}

TEST_CASE("a stump of a killed training does not take the place of its whole checkpoint") {
  const Sweeps sweeps(std::string(local_sync) + "SWEEP_MAX_RETRIES=0\n");
  const std::string dies =
      "cd \"$TRAIN_OUT_DIR\"; test -e ckpt.pt || { head -c 200000 /dev/zero >ckpt.pt; exit 1; }; "
      "head -c 1000 /dev/urandom >ckpt.pt; kill -9 $$";
  sweeps.manifest({{"a", dies}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(fs::file_size(durable_out(sweeps, "a") / "ckpt.pt") == 200'000);
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  const fs::path out = durable_out(sweeps, "a");
  CHECK(fs::file_size(out / "ckpt.pt") == 1000);
  CHECK(text_of(out / "ckpt.pt.before") == std::string(200'000, '\0'));
}

TEST_CASE("a local root: refused in the outputs; filled when empty; put aside with --force") {
  Sweeps sweeps(local_sync);
  sweeps.manifest({{"a", "true"}});
  for (const char* where : {"runs", "."}) {
    sweeps.space.set("RUN_OUT_LOCAL_ROOT=" + (sweeps.space.outputs() / where).string());
    const Json refused = sweeps.space.json({"sweep-start"});
    INFO(refused.dump());
    CHECK(number_at(member(refused, "error"), "exit_code") == 2);
    CHECK(contains(text_at(member(refused, "error"), "message"), "RUN_OUT_LOCAL_ROOT"));
  }
  CHECK_FALSE(fs::exists(sweeps.space.outputs() / "_campaigns"));
  const fs::path disk = sweeps.space.dir() / "disk";
  sweeps.space.set("RUN_OUT_LOCAL_ROOT=" + disk.string());

  const std::string resumes =
      "cd \"$TRAIN_OUT_DIR\"; if test -e ckpt; then echo more >>ckpt; else echo first >ckpt; "
      "echo '{\"n\":1}' >summary.json; exit 3; fi";
  sweeps.manifest({{"r", resumes}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("failed") == 1);
  CHECK(text_of(durable_out(sweeps, "r") / "ckpt") == "first\n");
  fs::remove_all(disk / "r");  // as on another pod
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == 1);
  CHECK(text_of(durable_out(sweeps, "r") / "ckpt") == "first\nmore\n");
  CHECK(contains(text_of(sweeps.run_dir("r") / "stdout.log"), "restored 1 files"));
  // The summary of the first attempt is not taken for the second's.
  CHECK(member(sweeps.space.run_summary("r"), "trainer").is_null());
  CHECK(fs::exists(sweeps.run_dir("r") / "attempts/0001/trainer-summary.json"));

  const std::string command =
      "test ! -e \"$TRAIN_OUT_DIR/ckpt\" && echo A >\"$TRAIN_OUT_DIR/ckpt\"";
  sweeps.manifest({{"a", command}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  sweeps.manifest({{"a", command + " # another"}});
  CHECK(sweeps.run_to_end({"--force"}) == "SWEEP_COMPLETED");
  CHECK(sweeps.count("success") == 1);
  CHECK(fs::is_directory(disk / "a"));
}

}  // namespace workflow::test
