#include <catch2/catch.hpp>

#include <signal.h>
#include <unistd.h>

#include <cmath>

#include "common/fd_io.h"
#include "common/json.h"
#include "common/spawn.h"
#include "sweep/run_metrics.h"
#include "sweep/signs_of_life.h"
#include "tests/support/eventually.h"
#include "tests/support/scratch.h"

using namespace workflow;
using namespace workflow::sweep;

namespace {

/// `loss@50=nan(metrics.jsonl, byte 0)` of each point.
std::string points(const Signs& signs) {
  std::string out;
  for (const auto& point : signs.points) {
    out += point.key + "@" + (point.step ? std::to_string(static_cast<int>(*point.step)) : "?") +
           "=" + (std::isfinite(point.value) ? std::to_string(point.value).substr(0, 3) : "bad") +
           " (" + point.where + ") ";
  }
  return out;
}

}  // namespace

TEST_CASE("signs: only what is new is read, whole lines of it") {
  const test::Scratch scratch;
  const fs::path file = scratch.path() / "log";
  NewLines lines(file);
  std::string seen;
  const auto read = [&] {
    seen.clear();
    return lines.read([&](std::string_view line, std::int64_t at) {
      seen += std::to_string(at) + ":" + std::string(line) + " ";
    });
  };
  CHECK(read() == 0);
  Files& files = real_files();
  files.append(file, "one\ntwo\rthr");
  CHECK(read() == 11);
  CHECK(seen == "0:one 4:two ");
  files.append(file, "ee\r\nfour\n");
  CHECK(read() == 20);
  CHECK(seen == "8:three 15:four ");
  read();
  CHECK(seen.empty());
  files.write(file, "new\n");
  read();
  CHECK(seen == "0:new ");
}

TEST_CASE("signs: a flood and a line without end cost no more than their tail") {
  const test::Scratch scratch;
  const fs::path file = scratch.path() / "log";
  Files& files = real_files();
  files.write(file, std::string(200'000, 'x') + "\nlast\n");
  NewLines lines(file);
  std::string seen;
  const auto take = [&](std::string_view line, std::int64_t) { seen += std::string(line) + " "; };
  CHECK(lines.read(take) == 200'006);
  CHECK(seen == "last ");
  files.append(file, std::string(900'000, 'y') + "\n");
  (void)lines.read(take);
  files.append(file, std::string(100'000, 'z'));
  (void)lines.read(take);
  files.append(file, "z\nend\n");
  (void)lines.read(take);
  CHECK(seen == "last end ");
}

TEST_CASE("signs: values come with the step they belong to and the place where they stand") {
  const test::Scratch scratch;
  Files& files = real_files();
  SignReader reader(scratch.path(), MetricPatterns("step; loss"));
  files.append(scratch.path() / "metrics.jsonl",
               "{\"step\":49,\"loss\":0.5,\"val_loss\":null}\n{\"loss\":NaN,\"step\":50}\n");
  files.append(scratch.path() / "stdout.log", "step 51 loss inf\nloss 0.25\n");
  CHECK(points(reader.read({})) ==
        "loss@49=0.5 (metrics.jsonl, byte 0) loss@50=bad (metrics.jsonl, byte 39) "
        "loss@51=bad (stdout.log, byte 0) loss@51=0.2 (stdout.log, byte 17) ");
  CHECK(points(reader.read({})).empty());
}

TEST_CASE("signs: in a log about which nothing was declared only NaN is believed") {
  const test::Scratch scratch;
  SignReader reader(scratch.path(), {});
  real_files().append(scratch.path() / "stdout.log",
                      "best loss: inf\niter 3: train_loss nan\nloss is nan?\n");
  CHECK(points(reader.read({})) == "loss@3=bad (stdout.log, byte 15) ");
}

TEST_CASE("run metrics: the file's, else those of the log by the patterns of the spec") {
  const test::Scratch scratch;
  Files& files = real_files();
  tasks::TaskSpec spec;
  files.append(scratch.path() / "stdout.log", "step 5 loss 0.5\n");
  CHECK(run_metrics(scratch.path(), spec, 1000).last.empty());
  spec.owner["metric_patterns"] = "step; loss";
  CHECK(dump_json(run_metrics(scratch.path(), spec, 1000).last) == R"({"step":5,"loss":0.5})");
  files.append(scratch.path() / "metrics.jsonl", "{\"step\":7}\n");
  CHECK(dump_json(run_metrics(scratch.path(), spec, 1000).last) == R"({"step":7})");
  spec.owner["metric_patterns"] = "loss=(";
  CHECK(patterns_of(spec).empty());
}

TEST_CASE("process use: the whole tree counts, a stopped one uses nothing") {
  SpawnSpec spec;
  spec.argv = {"bash", "-c", "(while :; do :; done) & wait"};
  spec.new_session = true;
  const Spawned child = spawn(spec);
  REQUIRE_FALSE(child.failure);
  const tasks::ProcessRef leader = tasks::reference(child.pid);
  const auto use = [&] { return tasks::ProcessTable().use_of(leader, {}); };
  CHECK(test::eventually([&] { return use().cpu_ms >= 50; }));
  CHECK(use().io_bytes > 0);
  ::kill(-child.pid, SIGSTOP);
  std::int64_t last = 0;
  int still = 0;
  CHECK(test::eventually([&] {
    const std::int64_t now = use().cpu_ms;
    still = now == last ? still + 1 : 0;
    last = now;
    return still == 10;  // a tenth of a second
  }));
  CHECK(tasks::ProcessTable().use_of({leader.pid, leader.start + 1}, {}).cpu_ms == 0);
  ::kill(-child.pid, SIGKILL);
  (void)wait_for_child(child.pid);
}
