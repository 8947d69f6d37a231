#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sweep/failure.h"

// What a run's own log says of its end. Pure; the words it knows are in failure_table.h.
namespace workflow::sweep {

/// How much a line proves: a wrapper only passes on what happened to another process.
enum class Strength { none, wrapper, weak, plain, strong };

/// The rank that torchrun calls the root cause.
struct GuiltyRank {
  int rank = -1;
  int exit_code = 0;  ///< as torchrun writes it: negative is a signal; 0: none is named
};

struct LogCause {
  Strength strength = Strength::none;
  Failure failure{};
  bool old = false;  ///< far above the log's end: overcome, perhaps
  GuiltyRank guilty{};
  std::vector<std::int64_t> pids{};  ///< of processes that the log says have died
};

/// The last real cause in a log's tail; offsets and lines as of classify.
[[nodiscard]] LogCause find_cause(std::string_view log_tail, std::int64_t tail_offset,
                                  std::int64_t lines_before_tail);

}  // namespace workflow::sweep
