#pragma once

#include <cstdint>
#include <vector>

#include "common/unique_fd.h"
#include "tasks/process.h"

namespace workflow::sweep {

/// The runs that go on, each watched by what tells of its supervisor's end. One whose supervisor
/// cannot be watched through the kernel is looked at every five seconds.
class GoingRuns {
 public:
  void add(std::size_t row, const tasks::ProcessRef& supervisor);
  /// To be looked at again: nothing is known of a supervisor.
  void add(std::size_t row) { going_.push_back({row, UniqueFd()}); }

  [[nodiscard]] bool empty() const { return going_.empty(); }
  [[nodiscard]] std::size_t size() const { return going_.size(); }
  [[nodiscard]] std::vector<std::size_t> rows() const;
  /// Waits until `inbox_fd` is readable or a supervisor has ended, `longest_ms` at the most.
  void wait(int inbox_fd, std::int64_t longest_ms);
  /// Takes out those whose supervisor has ended, and those that are to be looked at again.
  [[nodiscard]] std::vector<std::size_t> take_ended();

 private:
  struct Going {
    std::size_t row = 0;
    UniqueFd supervisor{};
  };
  std::vector<Going> going_;
  bool just_started_ = false;  ///< it may have ended before it could be watched
};

}  // namespace workflow::sweep
