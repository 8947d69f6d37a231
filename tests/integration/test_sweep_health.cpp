#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// A row that is stopped as by a debugger: no signal but KILL ends it.
constexpr const char* stopped = "kill -STOP $$";

/// Twenty steps a second for ever; the loss is NaN from step 50 on.
constexpr const char* nan_at_50 =
    "i=0; while :; do i=$((i+1)); l=0.5; test $i -lt 50 || l=nan; "
    "printf '\\033[32mstep %d\\033[0m loss %s\\n' $i $l; sleep 0.05; done";

std::string sweep_log(const Sweeps& sweeps) {
  const std::string task = text_at(member(sweeps.status(), "executor"), "task_id");
  return sweeps.space.read(".workflow/outputs/_tasks/" + task + "/stdout.log");
}

std::string failure_class(const Sweeps& sweeps, const std::string& run) {
  return text_at(member(sweeps.space.run_summary(run), "failure"), "class");
}

std::string reason(const Sweeps& sweeps, const std::string& run) {
  return text_at(sweeps.space.run_summary(run), "reason");
}

}  // namespace

TEST_CASE("a run that hangs is warned of and ended; slow and quiet ones go on") {
  const Sweeps sweeps("RUN_STALL_SECS=3\nRUN_STALL_POLICY=stop\nSWEEP_GPUS_PER_RUN=1\n",
                      {"CUDA_VISIBLE_DEVICES=0,1,2"});
  sweeps.manifest({{.run_id = "hung", .command = stopped, .max_retries = "2"},
                   {.run_id = "slow", .command = "for i in 1 2 3 4 5; do echo $i; sleep 1; done"},
                   {.run_id = "busy", .command = "timeout 5 bash -c 'while :; do :; done'; true"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 3);
  CHECK(failure_class(sweeps, "hung") == "stalled");
  CHECK_THAT(reason(sweeps, "hung"), Catch::Contains("no progress: nothing new in log"));
  CHECK(sweeps.count("success") == 2);
  const std::string log = sweep_log(sweeps);
  CHECK_THAT(log, Catch::Contains("stop at 3 s"));
}

TEST_CASE("without a policy a hung run is only warned of") {
  const Sweeps sweeps("RUN_STALL_SECS=1\n");
  sweeps.manifest({{.run_id = "hung", .command = stopped}});
  sweeps.start();
  CHECK(eventually([&] { return sweep_log(sweeps).find("no progress") != std::string::npos; }));
  CHECK(text_at(sweeps.space.run_status("hung"), "state") == "running");
  CHECK(sweeps.starts() == 1);
}

TEST_CASE("a loss that becomes NaN ends the run within a look, with its first step") {
  const Sweeps sweeps(
      "RUN_STALL_SECS=4\nRUN_NAN_POLICY=stop\nMETRIC_PATTERNS='step; loss'\n"
      "SWEEP_GPUS_PER_RUN=1\n",
      {"CUDA_VISIBLE_DEVICES=0,1,2"});
  sweeps.manifest(
      {{.run_id = "log", .command = nan_at_50, .max_retries = "2"},
       {.run_id = "file",
        .command = "echo '{\"step\":7,\"loss\":NaN}' >> \"$WF_METRICS_FILE\"; sleep 300"},
       {.run_id = "well", .command = "echo step 3 loss 0.25; sleep 3"}});
  sweeps.start();
  CHECK(eventually([&] {
    for (const auto& run : member(sweeps.status(), "runs")) {
      if (text_at(run, "run_id") == "log" && number_at(member(run, "metrics"), "step") > 0) {
        return true;
      }
    }
    return false;
  }));
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts("log") == 1);
  CHECK(failure_class(sweeps, "log") == "nan");
  CHECK_THAT(reason(sweeps, "log"), Catch::Contains("loss is nan since step 50 (stdout.log, byte"));
  CHECK(failure_class(sweeps, "file") == "nan");
  CHECK_THAT(reason(sweeps, "file"), Catch::Contains("since step 7 (metrics.jsonl, byte 0)"));
  CHECK(number_at(member(sweeps.space.run_summary("log"), "metrics"), "step") >= 50);
  CHECK(dump_json(member(sweeps.space.run_summary("well"), "metrics")) ==
        R"({"step":3,"loss":0.25})");
  CHECK(sweeps.count("success") == 1);
}

TEST_CASE("RUN_NAN_POLICY=retry tries once more what its class would not") {
  const Sweeps sweeps("RUN_STALL_SECS=2\nRUN_NAN_POLICY=retry\nSWEEP_MAX_RETRIES=1\n");
  sweeps.manifest({{.run_id = "unlucky",
                    .command = "test $WF_ATTEMPT -gt 1 || { echo step 5 loss: nan; sleep 300; }"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts() == 2);
  CHECK(sweeps.count("success") == 1);
  const Json first = parse_json(
      read_file(sweeps.run_dir("unlucky") / "attempts" / "0001" / "summary.json"), "summary");
  CHECK(text_at(member(first, "failure"), "class") == "nan");
}

TEST_CASE("faults of the settings are told before anything is sent") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a"}});
  sweeps.space.set("METRIC_PATTERNS=step; loss=loss ([0-9");
  sweeps.space.set("RUN_LOSS_LIMIT=many");
  sweeps.space.set("SWEEP_END_WEBHOOK=ftp://x");
  const Captured answer = sweeps.space.run({"sweep-check"});
  CHECK(answer.status.code == 2);
  CHECK_THAT(answer.err, Catch::Contains("METRIC_PATTERNS, column 7: 'loss': '[' is never closed"));
  CHECK_THAT(answer.err, Catch::Contains("RUN_LOSS_LIMIT: 'many' is not a number"));
  CHECK_THAT(answer.err, Catch::Contains("SWEEP_END_WEBHOOK: 'ftp://x' is not an address"));
}
