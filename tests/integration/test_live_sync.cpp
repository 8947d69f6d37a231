#include "tests/support/bucket.h"
#include "tests/support/sweeps.h"

// local_sync onto a file system like s3fs: the way people use it.
namespace workflow::test {
namespace {

Json status_of(const fs::path& live, const std::string& id) {
  const auto bytes = real_files().read(live / id / "status.json");
  return bytes ? parse_json(*bytes, id) : Json::object();
}

}  // namespace

TEST_CASE("local_sync onto s3fs: a supervisor killed over its last copy, and another pod resumes") {
  need_private_mounts();
  Bucket at(
      "TRAIN_COMMAND_TEMPLATE='eval \"$OVERRIDES\"'\nSWEEP_MAX_RETRIES=0\n"
      "RUN_OUT_MODE=local_sync\nSYNC_INTERVAL_SECS=1\nSWEEP_MAX_CONSECUTIVE_FAILURES=0\n");
  at.space.make_repo({{"README", "x\n"}});
  at.space.check_out();
  const fs::path live = at.live();
  at.space.write("sweep.csv",
                 "run_id,overrides\na," +
                     csv_field(std::string("echo 1 >\"$TRAIN_OUT_DIR/ckpt\"; ") + until_released +
                               "; echo 2 >\"$TRAIN_OUT_DIR/ckpt\"") +
                     "\nb," +
                     csv_field("cd \"$TRAIN_OUT_DIR\"; test -e ckpt || { echo b >ckpt; exit 3; }") +
                     "\n");
  (void)at.space.data({"sweep-start"});
  REQUIRE(eventually([&] { return fs::exists(at.behind("a/out/ckpt")); }));
  CHECK(fs::exists(at.space.dir() / ".workflow/repo/out/a/ckpt"));

  at.s3.hang(true);
  at.space.write("home/released", "");
  REQUIRE(eventually_is([&] { return text_at(status_of(live, "a"), "ending"); }, "exit_ok"));
  CHECK(text_at(status_of(live, "a"), "state") == "running");
  Sweeps::kill_hard(Sweeps::supervisor_of(status_of(live, "a")));
  at.s3.hang(false);
  REQUIRE(eventually_is([&] { return text_at(status_of(live, "a"), "state"); }, "success"));
  CHECK(number_at(status_of(live, "a"), "exit_code", -1) == 0);
  REQUIRE(eventually_is([&] { return text_at(at.space.data({"fsm-status"}), "state"); },
                        "SWEEP_COMPLETED"));
  CHECK(read_file(at.behind("a/out/ckpt")) == "2\n");
  const Json summary = parse_json(read_file(live / "a/summary.json"), "summary");
  CHECK(flag_at(summary, "ok"));
  CHECK(flag_at(member(summary, "sync"), "ok"));
  REQUIRE(at.mirrors(live, "_control/workflow_state.json"));
  REQUIRE(at.mirrors(live, "b/summary.json"));

  at.new_pod();
  fs::remove_all(at.space.dir() / ".workflow/repo");
  at.age_stamp();
  at.space.check_out();
  (void)at.space.data({"sweep-start"});
  REQUIRE(eventually_is([&] { return text_at(at.space.data({"fsm-status"}), "state"); },
                        "SWEEP_COMPLETED"));
  const Json counts = member(at.space.data({"sweep-status", "--all"}), "counts");
  CHECK(number_at(counts, "skipped") == 1);
  CHECK(number_at(counts, "success") == 1);
  CHECK(at.space.run({"run-logs", "b"}).out.find("restored 1 files") != std::string::npos);
  CHECK(read_file(at.behind("b/out/ckpt")) == "b\n");
}

TEST_CASE("with --force the out/ of the old row goes aside, also where renames are copies") {
  need_private_mounts();
  Bucket at("TRAIN_COMMAND_TEMPLATE='eval \"$OVERRIDES\"'\nSWEEP_MAX_RETRIES=0\n");
  at.space.make_repo({{"README", "x\n"}});
  at.space.check_out();
  const std::string command = "cd \"$TRAIN_OUT_DIR\"; test ! -e ckpt && echo A >ckpt";
  for (const std::string more : {"", " # another"}) {
    at.space.write("sweep.csv", "run_id,overrides\na," + csv_field(command + more) + "\n");
    (void)at.space.data({"sweep-start", "--force"});
    REQUIRE(eventually_is([&] { return text_at(at.space.data({"fsm-status"}), "state"); },
                          "SWEEP_COMPLETED"));
    const Json counts = member(at.space.data({"sweep-status", "--all"}), "counts");
    CHECK(number_at(counts, "success") == 1);
  }
  const auto shelves = real_files().list(at.behind("_bak/a"));
  REQUIRE(shelves.size() == 1);
  CHECK(read_file(at.behind("_bak/a") / shelves[0] / "out/ckpt") == "A\n");
}

}  // namespace workflow::test
