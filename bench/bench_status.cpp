// What a long campaign costs to look at: sweep-start and sweep-status of many rows, against reading
// each run's own summary.json, as the scripts do that keep no index.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "bench/table.h"
#include "common/text.h"
#include "sweep/row_index.h"
#include "tests/support/workspace.h"

namespace workflow::bench {
namespace {

using test::Workspace;

std::string row_name(int i) { return "row-" + std::to_string(i); }

void write_rows(const Workspace& space, int rows) {
  std::string text = "run_id,config,seed,overrides,notes\n";
  for (int i = 1; i <= rows; ++i) {
    text += row_name(i) + ",config/a.py," + std::to_string(i) + ",lr=" + std::to_string(i) +
            "e-6 batch_size=64,\n";
  }
  space.write("sweep.csv", text);
}

/// What the executor and the runs would have left: a start and an end in the index for each row,
/// a summary in its directory. Every tenth has failed.
void end_all(const Workspace& space, const std::string& campaign, int rows) {
  sweep::RowIndex index(real_files(), system_clock(), space.outputs() / "_campaigns" / campaign);
  for (int i = 1; i <= rows; ++i) {
    sweep::RowState row;
    row.n = i;
    row.attempt = 1;
    row.started_at = "2026-01-31T22:00:00.000Z";
    row.state = sweep::RunState::running;
    index.append(row, false);
    const bool ok = i % 10 != 0;
    row.state = ok ? sweep::RunState::success : sweep::RunState::failed;
    row.ended_at = "2026-01-31T23:59:59.000Z";
    row.result = {{"exit_code", ok ? 0 : 1},
                  {"seconds", 7199.5},
                  {"metrics", {{"step", 5000}, {"loss", 2.3456}, {"val_loss", 2.4567}}}};
    if (!ok) {
      row.result["failure"] = {{"class", "import"},
                               {"line", "ModuleNotFoundError: No module named 'nosuch'"},
                               {"offset", 918},
                               {"line_number", 14}};
    }
    index.append(row, false);
    Json summary = row.result;
    summary["ok"] = ok;
    const fs::path dir = space.outputs() / row_name(i);
    fs::create_directories(dir);
    real_files().write(dir / "summary.json", pretty_json(summary), {.durable = false});
  }
}

/// Reads every summary as a script with one process does: the kindest form of having no index.
double read_all_seconds(const Workspace& space) {
  CaptureSpec spec;
  spec.argv = {"python3", "-c",
               "import glob, json, sys\n"
               "print(sum(json.load(open(p))['ok'] for p in "
               "glob.glob(sys.argv[1] + '/*/summary.json')))",
               space.outputs().string()};
  spec.limit_ms = 600'000;
  return seconds_of([&] {
    if (!capture(spec).ok()) throw std::runtime_error("python3 did not read the summaries");
  });
}

int run(int rows, int times) {
  const Workspace space("TRAIN_COMMAND_TEMPLATE='exec sleep 100000'\n");
  space.make_repo({{"README", ""}});
  space.check_out();
  write_rows(space, rows);
  std::vector<double> start;
  std::string campaign;
  for (int i = 0; i < times; ++i) {
    Json started;
    start.push_back(seconds_of([&] { started = space.data({"sweep-start"}); }) * 1000);
    campaign = text_at(started, "campaign");
    (void)space.data({"-y", "sweep-stop"});
  }
  end_all(space, campaign, rows);
  std::vector<double> status;
  std::vector<double> reading;
  std::string answer;
  for (int i = 0; i < times; ++i) {
    status.push_back(seconds_of([&] {
                       answer = space.run({"--json", "sweep-status"}).out;
                     }) *
                     1000);
    reading.push_back(read_all_seconds(space) * 1000);
  }
  print_table(std::to_string(rows) + " rows, median of " + std::to_string(times),
              {{"", "ms"},
               {"sweep-start", spread(start, 0)},
               {"sweep-status, all rows ended", spread(status, 0)},
               {"reading every summary.json", spread(reading, 0)}});
  std::printf("answer of sweep-status: %s KB\n",
              figure(static_cast<double>(answer.size()) / 1000, 0).c_str());
  return 0;
}

}  // namespace
}  // namespace workflow::bench

int main(int argc, char** argv) {
  try {
    return workflow::bench::run(argc > 1 ? std::atoi(argv[1]) : 10'000,
                                argc > 2 ? std::atoi(argv[2]) : 5);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "bench_status: %s\n", fault.what());
    return 1;
  }
}
