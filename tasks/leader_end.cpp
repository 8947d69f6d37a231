#include "tasks/leader_end.h"

#include <algorithm>
#include <csignal>

#include "common/text.h"

namespace workflow::tasks {

void LeaderEnd::time_out(const TaskTree& tree) {
  why_ = fsm::TaskEvent::time_out;
  record_.reason = "limit " + human_duration(spec_.timeout_secs) + ", ended by TERM";
  end(SIGTERM, tree);
}

void LeaderEnd::cancel(const Order& order, const TaskTree& tree) {
  why_ = fsm::TaskEvent::cancel;
  record_.stopped_as = order.as;
  record_.ordered_class = order.cls;
  grace_secs_ = order.grace_secs;
  const std::string by = order.by.empty() ? "" : " by " + order.by;
  record_.reason = (order.reason.empty() ? "cancelled" + by : order.reason) + ", ended by TERM";
  end(SIGTERM, tree);
}

void LeaderEnd::hasten(const Order& order) {
  const std::int64_t secs = order.grace_secs.value_or(spec_.grace_secs);
  if (secs * 1000 >= grace_ms()) return;
  grace_secs_ = secs;
  if (kill_ms_ != never) kill_ms_ = std::min(kill_ms_, clock_.steady_ms() + secs * 1000);
}

void LeaderEnd::turn(std::int64_t now_ms, const TaskTree& tree) {
  if (now_ms >= kill_ms_) {
    kill_ms_ = never;
    if (const auto at = record_.reason.rfind("TERM"); at != std::string::npos) {
      record_.reason.replace(at, 4, "KILL after " + human_duration(grace_ms() / 1000));
    }
    end(SIGKILL, tree);
  }
  if (!launcher_ || !launcher_->turn()) return;
  // Its children have ended: now the launcher is told, and need not be given long.
  launcher_.reset();
  kill_ms_ = std::min(kill_ms_, clock_.steady_ms() + spec_.grace_secs * 1000);
  tree.signal_group(SIGTERM);
}

void LeaderEnd::end(int signal, const TaskTree& tree) {
  limit_ms_ = never;
  if (signal == SIGTERM) kill_ms_ = clock_.steady_ms() + grace_ms();
  if (signal == SIGTERM && flag_at(spec_.owner, "launcher")) {
    launcher_.emplace(record_.leader);
    return;
  }
  tree.signal_group(signal);
  if (signal == SIGKILL && !spec_.leader_only) {
    for (const auto& process : tree.others()) send_signal(process, SIGKILL);
  }
}

std::int64_t LeaderEnd::next_ms() const { return std::min(limit_ms_, kill_ms_); }

std::vector<int> LeaderEnd::fds() const {
  return launcher_ ? launcher_->fds() : std::vector<int>();
}

}  // namespace workflow::tasks
