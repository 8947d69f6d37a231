#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fsm/run_machine.h"
#include "sweep/gpus.h"

// Which row starts next, and on which GPUs. Pure: no clock, no file, no process.
namespace workflow::sweep {

/// What a schedule must know of a row.
struct RowWish {
  GpuWish gpus{};
  std::int64_t max_retries = 1;
  std::string kind{};  ///< rows of one kind take about as long: those of one config
};

/// How an attempt ended.
struct AttemptEnd {
  fsm::RunState state = fsm::RunState::success;
  std::string failure_class{};
  std::int64_t attempt = 1;  ///< of those that count, from 1
  /// Whether it was ended to be tried again, or not to be, whatever its class.
  enum class Again { by_class, yes, no } again = Again::by_class;
};

/// Rows that failed for the same reason, one after the other.
struct FailureStreak {
  std::string cls{};
  std::int64_t rows = 0;
};

class Schedule {
 public:
  /// A row that was not begun waits so long for its next turn, in milliseconds.
  static constexpr std::int64_t pause_ms = 5'000;

  /// `failure_limit`: so many rows that fail one after the other in the same way open the breaker;
  /// 0: never.
  Schedule(std::vector<RowWish> rows, std::int64_t failure_limit, GpuPool pool);

  struct Start {
    std::size_t row = 0;
    std::vector<std::string> gpus;
  };

  /// One more row; its position.
  std::size_t add(RowWish wish);
  /// Another wish for a row that does not run.
  void replace(std::size_t row, RowWish wish) { rows_[row].wish = std::move(wish); }
  /// The row joins the end of the queue.
  void enqueue(std::size_t row);
  /// The row waits no more.
  void drop(std::size_t row);
  /// The row runs already, on these GPUs.
  void adopt(std::size_t row, const std::vector<std::string>& gpus);
  /// What a row of that kind took, in seconds.
  void learn(std::size_t row, double seconds);
  /// These GPUs are not given out until the next call: others use them.
  void leave_out(const std::vector<std::string>& gpus) { pool_.leave_out(gpus); }
  /// The GPUs of the rows that go.
  [[nodiscard]] std::set<std::string> held() const;
  /// Nothing starts before that time.
  void hold(std::int64_t until_ms) { held_until_ms_ = std::max(held_until_ms_, until_ms); }
  /// This machine can never give what the row wants.
  [[nodiscard]] bool hopeless(std::size_t row) const {
    return !pool_.can_ever_fit(rows_[row].wish.gpus);
  }
  [[nodiscard]] std::int64_t share(std::size_t row) const { return rows_[row].wish.gpus.share; }

  /// The row that starts now, its GPUs taken; nothing while none may. Rows of a kind that takes
  /// longest go first, those of a kind that nobody has seen before them, else in the queue's order.
  /// A row that does not fit is overtaken as many times as there are GPUs, and then by nobody.
  [[nodiscard]] std::optional<Start> next(std::int64_t now_ms);
  /// The row could not begin because somebody else has its directory or its GPUs: no failure.
  void put_back(std::size_t row, std::int64_t now_ms);
  /// The attempt has ended and its GPUs are free; in how many milliseconds the row is tried again,
  /// nothing when it is not.
  [[nodiscard]] std::optional<std::int64_t> ended(std::size_t row, const AttemptEnd& end,
                                                  std::int64_t now_ms);
  /// The row waits until that time and goes first then; it was none of its fault.
  void again(std::size_t row, std::int64_t at_ms);
  /// The row has failed in a way that no other attempt would mend.
  void failed_for_good(std::size_t row, const std::string& cls);

  /// So many rows failed alike that no more start.
  [[nodiscard]] bool breaker_open() const { return breaker_open_; }
  [[nodiscard]] const FailureStreak& streak() const { return streak_; }
  /// How long nothing changes by itself: until a pause is over, `longest_ms` at the most.
  [[nodiscard]] std::int64_t quiet_ms(std::int64_t now_ms, std::int64_t longest_ms) const;
  [[nodiscard]] const GpuPool& pool() const { return pool_; }
  /// Rows that wait for their turn.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Entry {
    RowWish wish;
    std::int64_t not_before_ms = 0;
    std::int64_t overtaken = 0;
    FailureStreak streak{};  ///< of its own attempts
  };
  struct Pace {
    double seconds = 0;
    std::int64_t rows = 0;
  };

  [[nodiscard]] double estimate(std::size_t row) const;
  [[nodiscard]] std::optional<std::size_t> best(std::int64_t now_ms,
                                                const std::vector<GpuWish>& too_wide) const;
  void release(std::size_t row);
  void count_failure(const std::string& cls);

  std::vector<Entry> rows_;
  std::int64_t failure_limit_;
  GpuPool pool_;
  std::deque<std::size_t> waiting_;
  std::map<std::string, Pace> paces_;
  std::map<std::size_t, std::vector<std::string>> holds_;  ///< what each going row has taken
  std::int64_t held_until_ms_ = 0;
  FailureStreak streak_;
  bool breaker_open_ = false;
};

}  // namespace workflow::sweep
