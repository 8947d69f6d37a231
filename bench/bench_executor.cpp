// What a row costs beside its own work: a sweep of rows that do nothing, against GNU parallel and
// task-spooler, which keep no record that survives them.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "bench/table.h"
#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/workspace.h"

namespace workflow::bench {
namespace {

using test::Workspace;

Captured must(CaptureSpec spec) {
  spec.limit_ms = 600'000;
  Captured done = capture(spec);
  if (!done.ok()) throw std::runtime_error(join(spec.argv, " ") + ": " + done.err);
  return done;
}

bool installed(const std::string& program) {
  CaptureSpec spec;
  spec.argv = {"sh", "-c", "command -v " + program};
  return capture(spec).ok();
}

void write_rows(const Workspace& space, int rows, int series) {
  std::string text = "run_id\n";
  for (int i = 0; i < rows; ++i) {
    text += "s" + std::to_string(series) + "-" + std::to_string(i) + "\n";
  }
  space.write("sweep.csv", text);
}

void wait_for_end(const Workspace& space) {
  const bool ended = test::eventually(
      [&] { return text_at(space.state(), "state") == "SWEEP_COMPLETED"; }, 600'000);
  if (!ended) throw std::runtime_error("the sweep does not end");
}

/// From the executor's start to its end, as its task recorded them.
double sweep_seconds(const Workspace& space, int rows, int series) {
  write_rows(space, rows, series);
  const std::string task = text_at(space.data({"sweep-start"}), "task_id");
  wait_for_end(space);
  Json status;
  (void)test::eventually([&] { return !text_at(status = space.task(task), "ended_at").empty(); });
  const auto at = [&](const char* key) { return parse_utc(text_at(status, key)).value_or(0); };
  return static_cast<double>(at("ended_at") - at("started_at")) / 1000.0;
}

double parallel_seconds(const Workspace& space, int rows) {
  CaptureSpec spec;
  spec.argv = {"sh", "-c", "seq " + std::to_string(rows) + " | parallel -j1 true '#' {}"};
  spec.env = space.environment();
  return seconds_of([&] { (void)must(spec); });
}

double spooler_seconds(const Workspace& space, int rows) {
  CaptureSpec spec;
  spec.argv = {
      "sh", "-c",
      "for i in $(seq " + std::to_string(rows) + "); do tsp true >/dev/null; done; tsp -w"};
  spec.env = space.environment();
  spec.env->push_back("TS_SOCKET=" + (space.dir() / "tsp").string());
  spec.env->push_back("TMPDIR=" + space.dir().string());
  const double seconds = seconds_of([&] { (void)must(spec); });
  spec.argv = {"tsp", "-K"};
  (void)must(spec);
  return seconds;
}

/// Flushes of the disk by all processes of a sweep, counted by strace.
long flushes(const Workspace& space, int rows, int series) {
  write_rows(space, rows, series);
  const std::string trace = (space.dir() / ("trace" + std::to_string(series))).string();
  CaptureSpec spec;
  spec.argv = {"sh", "-c",
               "strace -f -qq -e trace=fsync,fdatasync -o " + trace + " " +
                   test::workflow_program() + " -q sweep-start >/dev/null 2>&1 </dev/null &"};
  spec.env = space.environment();
  spec.workdir = space.dir();
  const std::string before = text_at(space.state(), "campaign");
  (void)must(spec);
  (void)test::eventually([&] { return text_at(space.state(), "campaign") != before; });
  wait_for_end(space);
  const std::string text = read_file(trace);
  const auto lines = split(text, '\n');
  return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
    return line.find("sync(") != std::string::npos;
  });
}

int run(int rows, int times) {
  const Workspace space("TRAIN_COMMAND_TEMPLATE='exec true'\nSWEEP_GPUS_PER_RUN=all\n");
  space.make_repo({{"README", ""}});
  space.check_out();
  std::vector<double> ours;
  std::vector<double> parallel;
  std::vector<double> spooler;
  int series = 0;
  for (int i = 0; i < times; ++i) {
    ours.push_back(sweep_seconds(space, rows, series++));
    if (installed("parallel")) parallel.push_back(parallel_seconds(space, rows));
    if (installed("tsp")) spooler.push_back(spooler_seconds(space, rows));
  }
  std::vector<std::vector<std::string>> table{{"", "ms a row", "least", "most"}};
  const auto add = [&](const std::string& name, std::vector<double> seconds) {
    if (seconds.empty()) return table.push_back({name, "not installed", "", ""});
    for (double& s : seconds) s = s * 1000 / rows;
    table.push_back({name, figure(median(seconds), 2),
                     figure(*std::min_element(seconds.begin(), seconds.end()), 2),
                     figure(*std::max_element(seconds.begin(), seconds.end()), 2)});
  };
  add("workflow, every record durable", ours);
  add("parallel -j1, no record", parallel);
  add("tsp, records in memory", spooler);
  print_table(std::to_string(rows) + " rows of true, median of " + std::to_string(times), table);
  if (!installed("strace")) {
    std::printf("flushes a row: not counted, strace is not installed\n");
    return 0;
  }
  const long few = flushes(space, 10, series++);
  const long many = flushes(space, 30, series++);
  std::printf("flushes a row (fsync, fdatasync; counted by strace): %s\n",
              figure(static_cast<double>(many - few) / 20, 1).c_str());
  return 0;
}

}  // namespace
}  // namespace workflow::bench

int main(int argc, char** argv) {
  try {
    return workflow::bench::run(argc > 1 ? std::atoi(argv[1]) : 200,
                                argc > 2 ? std::atoi(argv[2]) : 3);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "bench_executor: %s\n", fault.what());
    return 1;
  }
}
