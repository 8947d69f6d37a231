#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sweep/kernel_word.h"

namespace workflow::sweep {

/// How an ended run that is not ok ended, as far as its supervisor and executor know it.
struct Ending {
  std::optional<int> exit_code{};
  std::optional<std::string> signal{};  ///< name, such as "KILL"
  bool timed_out = false;
  bool cancelled = false;
  bool lost = false;
  bool stalled = false;              ///< the executor ended it for want of progress
  std::vector<KernelWord> kernel{};  ///< what the kernel has said since the run started
  std::int64_t pid = 0;              ///< of the run's command
  std::int64_t ended_ms = 0;         ///< wall clock; 0: unknown
};

/// Why a run failed: one of the contract's failure classes and the log line that decided it.
struct Failure {
  std::string cls{};
  std::string line{};            ///< without colours and rank prefix; empty when no line decided
  std::int64_t offset = -1;      ///< byte of the log where the line begins; -1 without a line
  std::int64_t line_number = 0;  ///< counts from 1; 0 without a line
  std::string reason{};          ///< for people, where it says more: the signal, the guilty rank
  std::string evidence{};        ///< what the kernel or a cgroup says of it; empty without
};

/// Judges an ending: what is known for sure first, then the kernel's word on one of its processes,
/// then the log's last real cause, then the signal. `tail_offset` is the log's byte at which the
/// tail begins, `lines_before_tail` the number of line ends before it; a tail that begins inside a
/// line counts from that line.
[[nodiscard]] Failure classify(const Ending& ending, std::string_view log_tail,
                               std::int64_t tail_offset, std::int64_t lines_before_tail);

}  // namespace workflow::sweep
