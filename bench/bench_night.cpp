// How well a night uses its GPUs: equal one-GPU rows on eight (fake) GPUs, against GNU parallel
// with eight jobs in the same run; and what the executor of a long campaign holds in memory.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>

#include "bench/table.h"
#include "common/clock.h"
#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_gpus.h"
#include "tests/support/sweeps.h"

namespace workflow::bench {
namespace {

constexpr int gpus_of_the_pod = 8;

std::string seconds_text(double seconds) { return figure(seconds, 2); }

std::vector<test::TestRow> rows_of(int count, const std::string& command) {
  std::vector<test::TestRow> rows;
  for (int i = 0; i < count; ++i) {
    rows.push_back({.run_id = "row-" + std::to_string(i), .command = command});
  }
  return rows;
}

/// From the first start to the last end, as the runs' own records tell it.
double makespan(const test::Sweeps& sweeps, int rows) {
  std::int64_t first = INT64_MAX;
  std::int64_t last = 0;
  for (int i = 0; i < rows; ++i) {
    const Json summary = sweeps.space.run_summary("row-" + std::to_string(i));
    first = std::min(first, parse_utc(text_at(summary, "started_at")).value_or(0));
    last = std::max(last, parse_utc(text_at(summary, "ended_at")).value_or(0));
  }
  return static_cast<double>(last - first) / 1000.0;
}

double sweep_seconds(int rows, const std::string& seconds) {
  test::Sweeps sweeps("SWEEP_GPUS_PER_RUN=1\n");
  const test::FakeGpus gpus(sweeps.space.dir() / "smi", gpus_of_the_pod);
  sweeps.space.set(gpus.path_entry());
  sweeps.manifest(rows_of(rows, "sleep " + seconds));
  sweeps.start();
  if (sweeps.end_state(600'000) != "SWEEP_COMPLETED" || sweeps.count("success") != rows) {
    throw std::runtime_error("the sweep did not end well");
  }
  return makespan(sweeps, rows);
}

double parallel_seconds(int rows, const std::string& seconds) {
  CaptureSpec spec;
  spec.argv = {"bash", "-c",
               "seq " + std::to_string(rows) + " | parallel -j" + std::to_string(gpus_of_the_pod) +
                   " 'sleep " + seconds + "; true'"};
  spec.limit_ms = 600'000;
  return seconds_of([&] {
    if (!capture(spec).ok()) throw std::runtime_error("GNU parallel did not run them");
  });
}

/// The most that a process has ever held, in MB.
double peak_mb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1000;
  }
  throw std::runtime_error("the executor is gone");
}

double executor_peak_mb(int rows, int started) {
  const test::Sweeps sweeps("SWEEP_SLOTS=4\n");
  sweeps.manifest(rows_of(rows, "true"));
  const std::string task = text_at(sweeps.start(), "task_id");
  if (!test::eventually([&] { return sweeps.starts() >= started; }, 300'000)) {
    throw std::runtime_error("the rows do not start");
  }
  const double peak = peak_mb(test::Sweeps::command_of(sweeps.space.task(task)));
  (void)sweeps.space.data({"-y", "sweep-stop"});
  return peak;
}

int run(int rows, const std::string& seconds, int times) {
  const double ideal = std::strtod(seconds.c_str(), nullptr) * ((rows + 7) / gpus_of_the_pod);
  std::vector<double> ours;
  std::vector<double> parallel;
  for (int i = 0; i < times; ++i) {
    ours.push_back(sweep_seconds(rows, seconds));
    parallel.push_back(parallel_seconds(rows, seconds));
  }
  print_table(std::to_string(rows) + " rows of " + seconds + " s on 8 GPUs, median of " +
                  std::to_string(times),
              {{"", "s"},
               {"eight rounds", seconds_text(ideal)},
               {"sweep, first start to last end", spread(ours, 2)},
               {"parallel -j8", spread(parallel, 2)}});
  std::printf("executor of 10000 rows: %s MB at its most\n",
              figure(executor_peak_mb(10'000, 40), 1).c_str());
  return 0;
}

}  // namespace
}  // namespace workflow::bench

int main(int argc, char** argv) {
  try {
    return workflow::bench::run(argc > 1 ? std::atoi(argv[1]) : 64, argc > 2 ? argv[2] : "4",
                                argc > 3 ? std::atoi(argv[3]) : 1);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "bench_night: %s\n", fault.what());
    return 1;
  }
}
