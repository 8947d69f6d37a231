// What watching costs: a supervisor with a quiet task, in memory and CPU, and the programs on disk.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>

#include "bench/table.h"
#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/workspace.h"

namespace workflow::bench {
namespace {

/// `Name: N kB` lines of a file under /proc.
std::map<std::string, long long> kilobytes(const std::string& path) {
  std::map<std::string, long long> found;
  for (const auto& line : split(read_file(path), '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto words = split(trim(std::string_view(line).substr(colon + 1)), ' ');
    if (words.size() == 2 && words[1] == "kB") {
      found[line.substr(0, colon)] = parse_integer(words[0]).value_or(0);
    }
  }
  return found;
}

/// User and system ticks of a process so far, and its voluntary context switches.
long long ticks(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto fields = split(trim(std::string_view(stat).substr(stat.rfind(')') + 1)), ' ');
  return parse_integer(fields.at(11)).value_or(0) + parse_integer(fields.at(12)).value_or(0);
}

long long switches(pid_t pid) {
  for (const auto& line : split(read_file("/proc/" + std::to_string(pid) + "/status"), '\n')) {
    if (line.rfind("voluntary_ctxt_switches:", 0) == 0) {
      return parse_integer(trim(line.substr(line.find(':') + 1))).value_or(0);
    }
  }
  return 0;
}

std::string megabytes(double kb) { return figure(kb / 1024, 2) + " MB"; }

std::string size_of(const std::string& path) {
  return figure(static_cast<double>(fs::file_size(path)) / 1e6, 2) + " MB";
}

std::string stripped_size(const test::Workspace& space, const std::string& path) {
  CaptureSpec spec;
  const std::string copy = (space.dir() / "stripped").string();
  spec.argv = {"strip", "-o", copy, path};
  return capture(spec).ok() ? size_of(copy) : "strip is missing";
}

void run() {
  const test::Workspace space;
  (void)space.data({"task-run", "--id", "quiet", "--", "sleep", "600"});
  const auto pid = static_cast<pid_t>(number_at(member(space.task("quiet"), "supervisor"), "pid"));
  if (!test::process_lives(pid)) throw std::runtime_error("the supervisor is not there");
  const std::string proc = "/proc/" + std::to_string(pid);
  const long long ticks_before = ticks(pid);
  const long long switches_before = switches(pid);
  constexpr std::int64_t quiet_ms = 10'000;
  const std::int64_t until = system_clock().steady_ms() + quiet_ms;
  (void)test::eventually([&] { return system_clock().steady_ms() >= until; });
  auto memory = kilobytes(proc + "/smaps_rollup");
  const auto own = static_cast<double>(memory["Private_Clean"] + memory["Private_Dirty"]);
  print_table(
      "a supervisor with a quiet task",
      {{"", "measured", "target"},
       {"resident (VmRSS)", megabytes(double(kilobytes(proc + "/status")["VmRSS"])), "4 MB"},
       {"shared out (Pss)", megabytes(double(memory["Pss"])), ""},
       {"its own (private)", megabytes(own), ""},
       {"private and written", megabytes(double(memory["Private_Dirty"])), ""},
       {"CPU ticks in 10 s", std::to_string(ticks(pid) - ticks_before), "0"},
       {"wake-ups in 10 s", std::to_string(switches(pid) - switches_before), "0"}});
  print_table("programs on disk", {{"", "as built", "stripped", "target"},
                                   {"workflow-agent", size_of(test::agent_program()),
                                    stripped_size(space, test::agent_program()), "3 MB"},
                                   {"workflow", size_of(test::workflow_program()),
                                    stripped_size(space, test::workflow_program()), ""}});
}

}  // namespace
}  // namespace workflow::bench

int main() {
  try {
    workflow::bench::run();
    return 0;
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "bench_supervisor: %s\n", fault.what());
    return 1;
  }
}
