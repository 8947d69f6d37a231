#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
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
};

/// How an attempt ended.
struct AttemptEnd {
  fsm::RunState state = fsm::RunState::success;
  std::string failure_class{};
  std::int64_t attempt = 1;  ///< of this campaign, from 1
};

class Schedule {
 public:
  /// A row that was not begun or may be tried again waits so long, in milliseconds.
  static constexpr std::int64_t pause_ms = 5'000;

  /// `failure_limit`: so many rows that fail one after the other open the breaker; 0: never.
  Schedule(std::vector<RowWish> rows, std::int64_t failure_limit, std::vector<std::string> gpus);

  struct Start {
    std::size_t row = 0;
    std::vector<std::string> gpus;
  };

  /// The row joins the end of the queue.
  void enqueue(std::size_t row);
  /// The row runs already, on these GPUs.
  void adopt(std::size_t row, const std::vector<std::string>& gpus);
  /// The row that starts now, its GPUs taken; nothing while none may. Rows start in the queue's
  /// order: one that does not fit is overtaken by nobody.
  [[nodiscard]] std::optional<Start> next(std::int64_t now_ms);
  /// The row could not begin because somebody else has its directory: it is no failure.
  void put_back(std::size_t row, std::int64_t now_ms);
  /// The attempt has ended and its GPUs are free; true when the row is to be tried again.
  [[nodiscard]] bool ended(std::size_t row, const AttemptEnd& end, std::int64_t now_ms);
  /// The row has failed in a way that no other attempt would mend.
  void failed_for_good(std::size_t row);

  /// So many rows failed one after the other that no more start.
  [[nodiscard]] bool breaker_open() const { return breaker_open_; }
  [[nodiscard]] std::int64_t failures_in_a_row() const { return failures_in_a_row_; }
  /// How long nothing changes by itself: until a pause is over, `longest_ms` at the most.
  [[nodiscard]] std::int64_t quiet_ms(std::int64_t now_ms, std::int64_t longest_ms) const;
  [[nodiscard]] std::size_t gpu_count() const { return pool_.size(); }

 private:
  [[nodiscard]] bool may_retry(std::size_t row, const AttemptEnd& end) const;
  void release(std::size_t row);
  void again(std::size_t row, std::int64_t now_ms);
  void count_failure();

  std::vector<RowWish> rows_;
  std::int64_t failure_limit_;
  GpuPool pool_;
  std::deque<std::size_t> waiting_;
  std::map<std::size_t, std::int64_t> not_before_;
  std::map<std::size_t, std::vector<std::string>> holds_;  ///< what each going row has taken
  std::int64_t failures_in_a_row_ = 0;
  bool breaker_open_ = false;
};

}  // namespace workflow::sweep
