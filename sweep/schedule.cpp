#include "sweep/schedule.h"

#include <algorithm>

#include "sweep/failure.h"

namespace workflow::sweep {

using fsm::RunState;

Schedule::Schedule(std::vector<RowWish> rows, std::int64_t failure_limit,
                   std::vector<std::string> gpus)
    : rows_(std::move(rows)), failure_limit_(failure_limit), pool_(std::move(gpus)) {}

void Schedule::enqueue(std::size_t row) { waiting_.push_back(row); }

void Schedule::adopt(std::size_t row, const std::vector<std::string>& gpus) {
  pool_.occupy(gpus, rows_[row].gpus);
  holds_[row] = gpus;
}

std::optional<Schedule::Start> Schedule::next(std::int64_t now_ms) {
  std::erase_if(not_before_, [&](const auto& entry) { return entry.second <= now_ms; });
  if (breaker_open_) return std::nullopt;
  const auto first = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](std::size_t row) { return !not_before_.contains(row); });
  if (first == waiting_.end()) return std::nullopt;
  const auto gpus = pool_.take(rows_[*first].gpus);
  if (!gpus) return std::nullopt;
  const std::size_t row = *first;
  waiting_.erase(first);
  holds_[row] = *gpus;
  return Start{row, *gpus};
}

void Schedule::put_back(std::size_t row, std::int64_t now_ms) {
  release(row);
  again(row, now_ms);
}

bool Schedule::ended(std::size_t row, const AttemptEnd& end, std::int64_t now_ms) {
  release(row);
  if (end.state == RunState::success) {
    failures_in_a_row_ = 0;
    return false;
  }
  if (may_retry(row, end)) {
    again(row, now_ms);
    return true;
  }
  count_failure();
  return false;
}

void Schedule::failed_for_good(std::size_t row) {
  release(row);
  count_failure();
}

std::int64_t Schedule::quiet_ms(std::int64_t now_ms, std::int64_t longest_ms) const {
  std::int64_t quiet = longest_ms;
  for (const auto& [row, at] : not_before_) {
    quiet = std::min(quiet, std::max<std::int64_t>(at - now_ms, 0));
  }
  return quiet;
}

bool Schedule::may_retry(std::size_t row, const AttemptEnd& end) const {
  if (end.state == RunState::cancelled || end.state == RunState::stopped) return false;
  const std::int64_t limit = rows_[row].max_retries;
  // The same row on the same GPU mostly runs out of memory again: one more try is enough.
  const std::int64_t allowed =
      end.failure_class == "oom_gpu" ? std::min<std::int64_t>(limit, 1) : limit;
  return worth_retrying(end.failure_class) && end.attempt <= allowed;
}

void Schedule::release(std::size_t row) {
  const auto held = holds_.find(row);
  if (held == holds_.end()) return;
  pool_.give_back(held->second, rows_[row].gpus);
  holds_.erase(held);
}

void Schedule::again(std::size_t row, std::int64_t now_ms) {
  not_before_[row] = now_ms + pause_ms;
  waiting_.push_front(row);
}

void Schedule::count_failure() {
  failures_in_a_row_ += 1;
  if (failure_limit_ > 0 && failures_in_a_row_ >= failure_limit_ && !waiting_.empty()) {
    breaker_open_ = true;
  }
}

}  // namespace workflow::sweep
