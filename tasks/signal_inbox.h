#pragma once

#include <csignal>
#include <initializer_list>
#include <vector>

#include "common/unique_fd.h"

namespace workflow::tasks {

/// Signals that are read like a file instead of interrupting this process; they stay blocked.
class SignalInbox {
 public:
  explicit SignalInbox(std::initializer_list<int> signals);
  /// Readable while a signal is waiting.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The numbers of those that have come, without waiting.
  [[nodiscard]] std::vector<int> take() const;

 private:
  UniqueFd fd_;
};

}  // namespace workflow::tasks
