#include <functional>

#include "bench/ssh_tables.h"
#include "bench/table.h"

namespace workflow::bench {
namespace {

struct Command {
  std::string shown;
  std::vector<std::string> words;
};

std::vector<Command> commands() {
  return {{"fsm-status", {"fsm-status"}},
          {"pod-status", {"pod-status"}},
          {"task-run (a new one)", {"task-run", "--", "true"}},
          {"task-wait (of an ended one)", {"task-wait", "ended"}},
          {"task-status", {"task-status", "ended"}},
          {"task-list", {"task-list"}},
          {"sweep-start (of the running one)", {"sweep-start"}},
          {"sweep-status", {"sweep-status"}}};
}

/// What is measured beside each other: a name, and the work; the first is what it is compared to.
struct Way {
  std::string shown;
  std::function<double(const Command&)> seconds;
};

using Figures = std::vector<std::vector<double>>;  // of each way, in ms

/// Every way once a round, one right after the other.
Figures interleaved(const std::vector<Way>& ways, const Command& command, int rounds) {
  Figures figures(ways.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      figures[i].push_back(ways[i].seconds(command) * 1000);
    }
  }
  return figures;
}

using Measure = double (SshTarget::*)(Where);

Way of_system(SshTarget& target, Measure measure, Where where, const std::string& shown = {}) {
  return {shown, [&target, measure, where](const Command&) { return (target.*measure)(where); }};
}
Way of_ours(SshTarget& target, Where where, const std::string& way, const std::string& shown) {
  return {shown, [&target, where, way](const Command& command) {
            return target.ours(where, way, command.words);
          }};
}

void print_near(const std::string& title, const std::vector<Way>& ways, int rounds,
                const std::function<std::string(double ours, double theirs)>& compared) {
  std::vector<std::vector<std::string>> table{{"ms: median [quartiles]"}};
  for (std::size_t i = 0; i < ways.size(); ++i) {
    table[0].push_back(ways[i].shown);
    if (i > 0) table[0].push_back("against it");
  }
  for (const auto& command : commands()) {
    const Figures figures = interleaved(ways, command, rounds);
    std::vector<std::string> row{command.shown, spread(figures[0], 1)};
    for (std::size_t i = 1; i < ways.size(); ++i) {
      row.push_back(spread(figures[i], 1));
      row.push_back(compared(median(figures[i]), median(figures[0])));
    }
    table.push_back(std::move(row));
  }
  print_table(title + ", " + std::to_string(rounds) + " rounds", table);
}

/// What the delay of the line adds to three ways, each given without and with it, as round trips.
void print_far(const std::string& title, const std::vector<Way>& ways, int rounds) {
  const double trip = 2.0 * static_cast<double>(SshTarget::one_way.count());
  std::vector<std::vector<std::string>> table{{"ms with the delay, round trips"}};
  for (std::size_t i = 0; i < ways.size(); i += 2) {
    table[0].insert(table[0].end(), {ways[i].shown, "trips"});
  }
  for (const auto& command : commands()) {
    const Figures figures = interleaved(ways, command, rounds);
    std::vector<std::string> row{command.shown};
    for (std::size_t i = 0; i < ways.size(); i += 2) {
      row.push_back(spread(figures[i + 1], 0));
      row.push_back(figure((median(figures[i + 1]) - median(figures[i])) / trip, 1));
    }
    table.push_back(std::move(row));
  }
  print_table(title + ", " + std::to_string(rounds) + " rounds", table);
}

}  // namespace

void near_tables(SshTarget& target, int rounds) {
  print_near("a login for each command, on loopback",
             {of_system(target, &SshTarget::ssh, Where::near, "ssh pod true"),
              of_ours(target, Where::near, "libssh2", "libssh2"),
              of_ours(target, Where::near, "auto", "auto")},
             rounds, [](double ours, double theirs) { return figure(ours / theirs, 2); });
  print_near("over a connection that is up, on loopback",
             {of_system(target, &SshTarget::shared_ssh, Where::near, "ssh pod true"),
              of_ours(target, Where::near, "openssh", "openssh")},
             rounds,
             [](double ours, double theirs) { return "+" + figure(ours - theirs, 1) + " ms"; });
}

void far_tables(SshTarget& target, int rounds) {
  const auto ways = [&](Measure plain, Measure cat, const std::string& way) {
    return std::vector<Way>{of_system(target, plain, Where::relayed, "ssh slow true"),
                            of_system(target, plain, Where::far),
                            of_system(target, cat, Where::relayed, "ssh slow cat"),
                            of_system(target, cat, Where::far),
                            of_ours(target, Where::relayed, way, way),
                            of_ours(target, Where::far, way, {})};
  };
  print_far("a login for each command, relay with a round trip of 50 ms",
            ways(&SshTarget::ssh, &SshTarget::ssh_cat, "libssh2"), rounds);
  print_far("over a connection that is up, relay with a round trip of 50 ms",
            ways(&SshTarget::shared_ssh, &SshTarget::shared_cat, "openssh"), rounds);
}

}  // namespace workflow::bench
