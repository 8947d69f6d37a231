#include "tasks/task_tree.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace workflow::tasks {
namespace {

constexpr std::int64_t after_kill_ms = 5'000;

}  // namespace

bool TaskTree::leader_lives() const { return start_time(leader.pid) == leader.start; }

std::vector<ProcessRef> TaskTree::others() const {
  std::vector<ProcessRef> found;
  // The tree below another's child counts only while that child lives: its number is soon given
  // to a stranger.
  if (own || leader_lives()) found = descendants(own ? ::getpid() : leader.pid, is_supervisor);
  for (const auto& process : carrying(marker)) {
    const bool known = std::any_of(found.begin(), found.end(),
                                   [&](const auto& other) { return other.pid == process.pid; });
    if (!known && process.pid != ::getpid()) found.push_back(process);
  }
  return found;
}

void TaskTree::signal_group(int signal) const {
  if (leader_lives()) ::kill(-leader.pid, signal);
}

std::string Leftovers::text() const {
  return "ended " + std::to_string(found - survivors.size()) + " of " + std::to_string(found) +
         " processes it left behind";
}

Leftovers end_leftovers(const TaskTree& tree, const Clock& clock, const EndLeftovers& how) {
  Leftovers result;
  std::vector<ProcessRef>& left = result.survivors;
  left = tree.others();
  result.found = left.size();
  const auto all = [&](int signal, std::int64_t limit_ms) {
    for (const auto& process : left) {
      // Our TERM to the group has reached it: a second one is "quit at once" to many trainers.
      const bool told =
          signal == SIGTERM && how.group_was_told && ::getpgid(process.pid) == tree.leader.pid;
      if (!told) send_signal(process, signal);
    }
    const std::int64_t until = clock.steady_ms() + limit_ms;
    while (!(left = tree.others()).empty() && clock.steady_ms() < until) how.settle();
  };
  if (!left.empty()) all(SIGTERM, how.grace_ms);
  if (!left.empty()) all(SIGKILL, after_kill_ms);
  result.found = std::max(result.found, left.size());  // they may have started others meanwhile
  return result;
}

}  // namespace workflow::tasks
