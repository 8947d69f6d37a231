// What a command costs over ssh beside `ssh host true`, near and over a long line, and how fast a
// large file goes beside `ssh host cat` and `scp`.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "bench/ssh_tables.h"

namespace workflow::bench {
namespace {

/// `rounds` 0: as many as the part needs for a steady median.
void run(const std::string& part, int rounds, int megabytes) {
  const bool all = part == "all";
  const auto of = [&](int usual) { return rounds > 0 ? rounds : usual; };
  if (!all && part != "near" && part != "far" && part != "bulk") {
    throw std::runtime_error("there is no part '" + part + "'; all, near, far, bulk");
  }
  SshTarget target;
  if (all || part == "near") near_tables(target, of(20));
  if (all || part == "far") far_tables(target, of(5));
  if (all || part == "bulk") bulk_tables(target, of(3), megabytes);
}

}  // namespace
}  // namespace workflow::bench

int main(int argc, char** argv) {
  try {
    workflow::bench::run(argc > 1 ? argv[1] : "all", argc > 2 ? std::atoi(argv[2]) : 0,
                         argc > 3 ? std::atoi(argv[3]) : 500);
    return 0;
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "bench_ssh: %s\n", fault.what());
    return 1;
  }
}
