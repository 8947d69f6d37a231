#include <catch2/catch.hpp>

#include <map>

#include "common/clock.h"
#include "tasks/process.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_gpus.h"
#include "tests/support/private_mounts.h"
#include "tests/support/sweeps.h"

// A campaign as a night brings it: sixty rows on a pod with eight (fake) GPUs, of which most fail,
// each in its own way.

using namespace workflow;
using namespace workflow::test;

namespace {

/// A kind of row, how many of them there are, and what must become of each.
struct Kind {
  std::string name;
  int rows;
  std::string command;
  std::string state;
  std::string cls;  ///< of the failure
  int attempts = 1;
  std::string max_retries{};
  std::string timeout_secs{};
};

const std::string metric = R"(echo '{"step":1,"loss":0.5}' >> "$WF_METRICS_FILE"; )";

const std::vector<Kind> kinds{
    {"good", 22, metric + "true", "success", ""},
    {"stdin", 4, "cat; read -r line; echo it said: $line", "success", ""},
    {"busy", 2, "until [ $SECONDS -ge 7 ]; do :; done", "success", ""},
    {"exit", 4, "echo gives up; exit 1", "failed", "exit"},
    {"segv", 4, "kill -SEGV $$", "failed", "killed", 2},
    {"import", 2, R"(echo "ModuleNotFoundError: No module named 'einops'"; exit 1)", "failed",
     "import"},
    {"oom", 3,
     "echo 'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB'; "
     "exit 1",
     "failed", "oom_gpu", 1, "0"},
    {"oom-passes", 1,
     "[ $WF_ATTEMPT -gt 1 ] && exit 0; "
     "echo 'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB'; exit 1",
     "success", "", 2},
    {"nan", 4, R"(echo '{"step":50,"loss":NaN}' >> "$WF_METRICS_FILE"; sleep 600)", "failed",
     "nan"},
    {"hang", 4, "echo waits for a peer; sleep 600", "failed", "stalled"},
    {"stubborn", 4, "trap '' TERM; while :; do sleep 0.05; done", "timed_out", "timeout", 1, "",
     "2"},
    {"escape", 4, "(setsid sleep 600 &); (setsid nohup sleep 600 > kept 2>&1 &); true", "success",
     ""},
    {"full", 2,
     "[ $WF_ATTEMPT -gt 1 ] && exit 0; head -c 9M /dev/zero > $HOME/small/$RUN_ID || "
     "{ rm $HOME/small/$RUN_ID; exit 1; }",
     "success", "", 2},
};

/// Kinds mixed, so that no two neighbours fail alike.
std::vector<TestRow> mixed_rows() {
  std::vector<TestRow> rows;
  for (int round = 0; rows.size() < 60; ++round) {
    for (const Kind& kind : kinds) {
      if (round >= kind.rows) continue;
      rows.push_back({.run_id = kind.name + "-" + std::to_string(round),
                      .command = kind.command,
                      .timeout_secs = kind.timeout_secs,
                      .max_retries = kind.max_retries});
    }
  }
  return rows;
}

struct Span {
  std::int64_t from;
  std::int64_t to;
  std::string who;
};

/// No two attempts had one GPU at the same time.
void check_gpus_apart(const Sweeps& sweeps, const std::vector<TestRow>& rows) {
  std::map<std::string, std::vector<Span>> used;
  for (const TestRow& row : rows) {
    std::vector<fs::path> attempts{sweeps.run_dir(row.run_id)};
    if (fs::exists(attempts.front() / "attempts")) {
      for (const auto& entry : fs::directory_iterator(attempts.front() / "attempts")) {
        attempts.push_back(entry.path());
      }
    }
    for (const fs::path& dir : attempts) {
      const Json summary = parse_json(read_file(dir / "summary.json"), dir.string());
      REQUIRE(member(summary, "gpus").size() == 1);
      used[member(summary, "gpus")[0].get<std::string>()].push_back(
          {parse_utc(text_at(summary, "started_at")).value(),
           parse_utc(text_at(summary, "ended_at")).value(), dir.string()});
    }
  }
  CHECK(used.size() == 8);
  for (const auto& [gpu, spans] : used) {
    CHECK(gpu.starts_with("GPU-"));
    for (const Span& a : spans) {
      for (const Span& b : spans) {
        INFO(a.who << " and " << b.who << " on " << gpu);
        CHECK((&a == &b || a.to <= b.from || b.to <= a.from));
      }
    }
  }
}

/// kill -9 of the executor once it has lived long enough to get a successor by itself.
void kill_when_it_has_lived(const Sweeps& sweeps, const std::string& task) {
  const auto lived_ms = [&] {
    const auto since = parse_utc(text_at(sweeps.space.task(task), "started_at"));
    return since ? system_clock().now_ms() - *since : 0;
  };
  REQUIRE(eventually([&] { return lived_ms() > 21'000; }, 60'000));
  Sweeps::kill_hard(Sweeps::command_of(sweeps.space.task(task)));
}

}  // namespace

TEST_CASE("sixty rows of a bad night, its executor killed: each its verdict, and no process left") {
  need_private_mounts();
  Sweeps sweeps(
      "SWEEP_GPUS_PER_RUN=1\nSWEEP_MAX_RETRIES=1\nRUN_STALL_SECS=4\nRUN_STALL_POLICY=stop\n"
      "RUN_NAN_POLICY=stop\n");
  const FakeGpus gpus(sweeps.space.dir() / "smi", 8);
  sweeps.space.set(gpus.path_entry());
  fs::create_directories(sweeps.space.home() / "small");
  const Tmpfs disk(sweeps.space.home() / "small", 0, "4m");
  const std::vector<TestRow> rows = mixed_rows();
  REQUIRE(rows.size() == 60);
  sweeps.manifest(rows);
  const std::string executor = text_at(sweeps.start(), "task_id");
  kill_when_it_has_lived(sweeps, executor);
  // In between it is SWEEP_STALLED, for as long as nobody has the sweep.
  REQUIRE(eventually([&] { return text_at(sweeps.space.state(), "state") == "SWEEP_COMPLETED"; },
                     240'000));

  for (const Kind& kind : kinds) {
    for (int i = 0; i < kind.rows; ++i) {
      const std::string id = kind.name + "-" + std::to_string(i);
      const Json summary = sweeps.space.run_summary(id);
      INFO(id << ": " << summary.dump());
      CHECK(text_at(summary, "state") == kind.state);
      CHECK(text_at(member(summary, "failure"), "class") == kind.cls);
      CHECK(number_at(summary, "attempts") == kind.attempts);
      CHECK(sweeps.starts(id) == kind.attempts);
    }
  }
  const Json campaign = member(sweeps.status(), "campaign");
  CHECK(tasks::carrying("WF_CAMPAIGN_ID=" + text_at(campaign, "id")).empty());
  check_gpus_apart(sweeps, rows);
  for (const auto& entry : fs::directory_iterator(sweeps.space.dir() / "gpus")) {
    INFO(entry.path());
    CHECK(entry.path().extension() != ".json");  // no lease is left
  }
}
