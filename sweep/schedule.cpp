#include "sweep/schedule.h"

#include <algorithm>
#include <limits>

#include "sweep/retry_policy.h"

namespace workflow::sweep {

using fsm::RunState;

Schedule::Schedule(std::vector<RowWish> rows, std::int64_t failure_limit, GpuPool pool)
    : failure_limit_(failure_limit), pool_(std::move(pool)) {
  for (auto& wish : rows) add(std::move(wish));
}

std::size_t Schedule::add(RowWish wish) {
  rows_.push_back({.wish = std::move(wish)});
  return rows_.size() - 1;
}

void Schedule::enqueue(std::size_t row) { waiting_.push_back(row); }

void Schedule::drop(std::size_t row) { std::erase(waiting_, row); }

void Schedule::adopt(std::size_t row, const std::vector<std::string>& gpus) {
  pool_.occupy(gpus, rows_[row].wish.gpus);
  holds_[row] = gpus;
}

void Schedule::learn(std::size_t row, double seconds) {
  Pace& pace = paces_[rows_[row].wish.kind];
  pace.seconds += seconds;
  pace.rows += 1;
}

std::optional<Schedule::Start> Schedule::next(std::int64_t now_ms) {
  if (breaker_open_ || now_ms < held_until_ms_) return std::nullopt;
  std::vector<GpuWish> too_wide;
  std::vector<std::size_t> overtaken;
  const auto patience = static_cast<std::int64_t>(pool_.size());
  while (const auto at = best(now_ms, too_wide)) {
    const std::size_t row = waiting_[*at];
    if (const auto gpus = pool_.take(rows_[row].wish.gpus)) {
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(*at));
      for (const std::size_t other : overtaken) rows_[other].overtaken += 1;
      rows_[row].overtaken = 0;
      holds_[row] = *gpus;
      return Start{row, *gpus};
    }
    if (rows_[row].overtaken >= patience) return std::nullopt;
    overtaken.push_back(row);
    too_wide.push_back(rows_[row].wish.gpus);
  }
  return std::nullopt;
}

std::optional<std::size_t> Schedule::best(std::int64_t now_ms,
                                          const std::vector<GpuWish>& too_wide) const {
  std::optional<std::size_t> found;
  const auto patience = static_cast<std::int64_t>(pool_.size());
  double longest = 0;
  for (std::size_t at = 0; at < waiting_.size(); ++at) {
    const Entry& entry = rows_[waiting_[at]];
    if (entry.not_before_ms > now_ms) continue;
    if (std::find(too_wide.begin(), too_wide.end(), entry.wish.gpus) != too_wide.end()) continue;
    // One that was overtaken often enough comes before everybody.
    if (entry.overtaken > 0 && entry.overtaken >= patience) return at;
    const double seconds = estimate(waiting_[at]);
    if (found && seconds <= longest) continue;
    found = at;
    longest = seconds;
  }
  return found;
}

double Schedule::estimate(std::size_t row) const {
  const auto pace = paces_.find(rows_[row].wish.kind);
  if (pace == paces_.end()) return std::numeric_limits<double>::infinity();
  return pace->second.seconds / static_cast<double>(pace->second.rows);
}

void Schedule::put_back(std::size_t row, std::int64_t now_ms) {
  release(row);
  again(row, now_ms + pause_ms);
}

std::optional<std::int64_t> Schedule::ended(std::size_t row, const AttemptEnd& end,
                                            std::int64_t now_ms) {
  release(row);
  if (end.state == RunState::success) {
    streak_ = {};
    return std::nullopt;
  }
  if (end.state == RunState::cancelled || end.state == RunState::stopped) return std::nullopt;
  FailureStreak& own = rows_[row].streak;
  if (own.cls != end.failure_class) own = {end.failure_class, 0};
  own.rows += 1;
  std::optional<std::int64_t> wait;
  if (end.again == AttemptEnd::Again::yes) {
    if (end.attempt <= rows_[row].wish.max_retries) wait = pause_ms;
  } else if (end.again == AttemptEnd::Again::by_class) {
    wait = retry_wait_ms(end.failure_class, end.attempt, own.rows, rows_[row].wish.max_retries);
  }
  if (wait) {
    again(row, now_ms + *wait);
  } else {
    count_failure(end.failure_class);
  }
  return wait;
}

void Schedule::failed_for_good(std::size_t row, const std::string& cls) {
  release(row);
  count_failure(cls);
}

std::set<std::string> Schedule::held() const {
  std::set<std::string> ids;
  for (const auto& [row, gpus] : holds_) ids.insert(gpus.begin(), gpus.end());
  return ids;
}

std::int64_t Schedule::quiet_ms(std::int64_t now_ms, std::int64_t longest_ms) const {
  std::int64_t quiet = longest_ms;
  const auto until = [&](std::int64_t at_ms) {
    if (at_ms > now_ms) quiet = std::min(quiet, at_ms - now_ms);
  };
  for (const std::size_t row : waiting_) until(rows_[row].not_before_ms);
  until(held_until_ms_);
  return quiet;
}

void Schedule::release(std::size_t row) {
  const auto held = holds_.find(row);
  if (held == holds_.end()) return;
  pool_.give_back(held->second, rows_[row].wish.gpus);
  holds_.erase(held);
}

void Schedule::again(std::size_t row, std::int64_t at_ms) {
  rows_[row].not_before_ms = at_ms;
  waiting_.push_front(row);
}

void Schedule::count_failure(const std::string& cls) {
  if (streak_.cls != cls) streak_ = {cls, 0};
  streak_.rows += 1;
  if (failure_limit_ > 0 && streak_.rows >= failure_limit_ && !waiting_.empty()) {
    breaker_open_ = true;
  }
}

}  // namespace workflow::sweep
