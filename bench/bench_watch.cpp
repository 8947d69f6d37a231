// What a long campaign costs to watch: how long the live view takes to show a change of one row
// among many, against one sweep-status of the same campaign in the same round, and what client and
// agent hold meanwhile.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>

#include "apps/workflow/watch_lines.h"
#include "bench/table.h"
#include "common/clock.h"
#include "common/text.h"
#include "sweep/row_index.h"
#include "tests/support/eventually.h"
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

/// A row's end as the executor would have written it; every tenth has failed.
void end_row(sweep::RowIndex& index, int i) {
  sweep::RowState row;
  row.n = i;
  row.attempt = 1;
  row.started_at = "2026-01-31T22:00:00.000Z";
  row.ended_at = "2026-01-31T23:59:59.000Z";
  row.state = i % 10 == 0 ? sweep::RunState::failed : sweep::RunState::success;
  row.result = {{"exit_code", i % 10 == 0 ? 1 : 0},
                {"seconds", 7199.5},
                {"metrics", {{"step", 5000}, {"loss", 2.3456}}}};
  index.append(row, false);
}

std::int64_t resident_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atoll(line.c_str() + 6);
  }
  return 0;
}

/// The agent that answers the call of a client.
pid_t agent_of(pid_t client) {
  const std::string pid = std::to_string(client);
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  pid_t child = 0;
  children >> child;
  return child;
}

/// Seconds from a line in the index to the event that tells of it in the watcher's output.
double change_seconds(const Workspace& space, sweep::RowIndex& index, int i) {
  const fs::path told = space.dir() / "watch.txt";
  const auto before = fs::file_size(told);
  return seconds_of([&] {
    end_row(index, i);
    (void)test::eventually([&] { return fs::file_size(told) > before; });
  });
}

/// One look of a person: an event of one changed row, order and screen made anew.
double draw_seconds(app::WatchModel& model, int i) {
  const Json event = {
      {"event", "progress"},
      {"data",
       {{"runs", {{{"n", i}, {"run_id", row_name(i)}, {"state", "running"}, {"attempt", 1}}}}}}};
  return seconds_of([&] {
    model.take(event, 0);
    (void)app::watch_lines(model, {40, 120}, {});
  });
}

int run(int rows, int times) {
  const Workspace space("TRAIN_COMMAND_TEMPLATE='exec sleep 100000'\n");
  space.make_repo({{"README", ""}});
  space.check_out();
  write_rows(space, rows);
  const Json started = space.data({"sweep-start"});
  const fs::path dir = space.outputs() / "_campaigns" / text_at(started, "campaign");
  sweep::RowIndex index(real_files(), system_clock(), dir);
  for (int i = rows / 2; i <= rows - 2 * times; ++i) end_row(index, i);

  const auto begun = system_clock().steady_ms();
  const pid_t client = space.start({"--json", "sweep-watch"}, "watch.txt");
  (void)test::eventually([&] { return space.read("watch.txt").ends_with("\n"); });
  const auto first_ms = system_clock().steady_ms() - begun;
  app::WatchModel model;
  model.take(parse_json(split(space.read("watch.txt"), '\n')[0], "event"), 0);
  const std::int64_t client_before = resident_kib(client);
  const std::int64_t agent_before = resident_kib(agent_of(client));
  std::vector<double> shown;
  std::vector<double> drawn;
  std::vector<double> status;
  for (int i = 0; i < times; ++i) {
    shown.push_back(change_seconds(space, index, rows - times + i) * 1000);
    drawn.push_back(draw_seconds(model, i + 1) * 1000);
    status.push_back(seconds_of([&] { (void)space.run({"--json", "sweep-status"}); }) * 1000);
  }
  print_table(std::to_string(rows) + " rows, median of " + std::to_string(times),
              {{"", "ms"},
               {"sweep-watch, until all rows are told", std::to_string(first_ms)},
               {"a change until it is told", spread(shown, 0)},
               {"a change until it is drawn, in the view", spread(drawn, 1)},
               {"sweep-status", spread(status, 0)}});
  print_table("resident, MB",
              {{"", "before", "after"},
               {"client", figure(static_cast<double>(client_before) / 1000, 1),
                figure(static_cast<double>(resident_kib(client)) / 1000, 1)},
               {"agent", figure(static_cast<double>(agent_before) / 1000, 1),
                figure(static_cast<double>(resident_kib(agent_of(client))) / 1000, 1)}});
  (void)space.data({"-y", "sweep-stop"});
  return 0;
}

}  // namespace
}  // namespace workflow::bench

int main(int argc, char** argv) {
  try {
    return workflow::bench::run(argc > 1 ? std::atoi(argv[1]) : 10'000,
                                argc > 2 ? std::atoi(argv[2]) : 20);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "bench_watch: %s\n", fault.what());
    return 1;
  }
}
