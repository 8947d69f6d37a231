#include "sweep/failure.h"

#include <algorithm>
#include <cstdlib>

#include "common/spawn.h"
#include "common/text.h"
#include "sweep/log_cause.h"

namespace workflow::sweep {
namespace {

using Kind = KernelWord::Kind;

/// The kernel's log keeps its own time, which drifts from the wall clock's.
constexpr std::int64_t about_then_ms = 5 * 60'000;

/// The signal that ended the run or, by torchrun's word, the guilty rank; empty without one.
std::string signal_of(const Ending& ending, const LogCause& cause) {
  if (ending.signal) return *ending.signal;
  // A shell reports its child's signal as 128 + number.
  const auto shell = [](int code) { return code > 128 && code < 160; };
  if (ending.exit_code && shell(*ending.exit_code)) return signal_name(*ending.exit_code - 128);
  if (cause.guilty.exit_code < 0) return signal_name(-cause.guilty.exit_code);
  return shell(cause.guilty.exit_code) ? signal_name(cause.guilty.exit_code - 128) : "";
}

/// A crash is told from somebody's kill: both are of class `killed`.
std::string told_signal(const std::string& signal) {
  struct Meaning {
    std::string_view signal;
    std::string_view words;
  };
  static constexpr Meaning meanings[] = {
      {"SEGV", "crashed by SIGSEGV: it used memory that is not its own"},
      {"ABRT", "crashed by SIGABRT: the program gave itself up"},
      {"BUS", "crashed by SIGBUS: a full /dev/shm, or a mapped file that became shorter"},
      {"ILL", "crashed by SIGILL: an instruction that this CPU does not have"},
      {"FPE", "crashed by SIGFPE: a division by zero"},
      {"KILL", "ended by SIGKILL, which somebody else sent"},
      {"XCPU", "ended by SIGXCPU: its limit of CPU time"},
      {"XFSZ", "ended by SIGXFSZ: its limit of file sizes"}};
  for (const auto& row : meanings) {
    if (row.signal == signal) return std::string(row.words);
  }
  const bool number = parse_integer(signal).has_value();
  return "ended by " + std::string(number ? "signal " : "SIG") + signal;
}

std::string told_rank(const GuiltyRank& guilty) {
  return guilty.rank < 0 ? "" : "rank " + std::to_string(guilty.rank) + " ";
}

/// The log's cause, or what the signal says where it has none.
Failure by_log(const Ending& ending, const LogCause& cause, const std::string& signal) {
  const bool signalled = ending.signal || !signal.empty();
  const bool struck = ending.signal || (ending.exit_code && *ending.exit_code > 128);
  // A signal strikes at any time: an error overcome long before it is not its cause, and one that
  // Python reports without a class says less than the signal.
  const bool says_less = signalled && struck && (cause.old || cause.failure.cls == "exit");
  Failure failure = cause.strength == Strength::none || says_less ? Failure{} : cause.failure;
  // Its peers only tell that a rank is gone.
  if (cause.guilty.struck() && cause.strength <= Strength::plain) failure = cause.struck;
  if (failure.cls.empty()) failure.cls = signalled ? "killed" : "exit";
  if (failure.cls == "killed" && !signal.empty()) {
    failure.reason = told_rank(cause.guilty) + told_signal(signal);
  } else if (failure.cls == "exit" && failure.line.empty() && cause.guilty.exit_code > 0) {
    failure.reason =
        told_rank(cause.guilty) + "ended with exit code " + std::to_string(cause.guilty.exit_code);
  }
  return failure;
}

/// Weighs what the kernel says against what the log says.
class Weighing {
 public:
  Weighing(const Ending& ending, const LogCause& cause, std::string signal)
      : ending_(ending), cause_(cause), signal_(std::move(signal)) {}

  /// A word on one of the run's own processes comes first, then what merely fits.
  void weigh(Failure& failure) const {
    for (const bool ours : {true, false}) {
      for (const auto& word : ending_.kernel) {
        const bool counts = ours ? is_ours(word) : about_then(word);
        if (counts && failure.evidence.empty()) weigh(word, ours, failure);
      }
    }
  }

 private:
  void weigh(const KernelWord& word, bool ours, Failure& failure) const {
    switch (word.kind) {
      case Kind::oom:
        // The kernel's counters and other pid namespaces name nobody of ours: then only a KILL that
        // nothing else explains is theirs.
        if (ours || (signal_ == "KILL" && unexplained(failure))) decide("oom_host", word, failure);
        return;
      case Kind::xid:
        if (ours && failure.cls != "oom_host" && unexplained(failure)) {
          return decide("cuda", word, failure);
        }
        if (failure.cls == "cuda" || failure.cls == "nccl") failure.evidence = word.text;
        return;
      case Kind::crash:
        if (failure.cls != "killed" || (!ours && signal_ != "SEGV")) return;
        failure.evidence = word.text;
        return;
    }
  }

  [[nodiscard]] bool is_ours(const KernelWord& word) const {
    const auto& pids = cause_.pids;
    return word.pid != 0 &&
           (word.pid == ending_.pid || std::find(pids.begin(), pids.end(), word.pid) != pids.end());
  }

  [[nodiscard]] bool about_then(const KernelWord& word) const {
    return word.at_ms == 0 || ending_.ended_ms == 0 ||
           std::abs(word.at_ms - ending_.ended_ms) < about_then_ms;
  }

  /// Nothing but that it ended is known, or that its peers complained.
  static bool unexplained(const Failure& failure) {
    return failure.cls == "killed" || failure.cls == "exit" || failure.cls == "nccl" ||
           failure.cls == "cuda" || failure.cls == "oom_host" || failure.cls == "lost";
  }

  static void decide(const char* cls, const KernelWord& word, Failure& failure) {
    if (failure.cls != cls) failure = {.cls = cls};
    failure.evidence = word.text;
  }

  const Ending& ending_;
  const LogCause& cause_;
  std::string signal_;
};

}  // namespace

Failure classify(const Ending& ending, std::string_view log_tail, std::int64_t tail_offset,
                 std::int64_t lines_before_tail) {
  if (ending.timed_out) return {.cls = "timeout"};
  if (ending.stalled) return {.cls = "stalled"};
  if (ending.cancelled) return {.cls = "killed"};
  const LogCause cause = find_cause(log_tail, tail_offset, lines_before_tail);
  const std::string signal = signal_of(ending, cause);
  Failure failure = ending.lost ? Failure{.cls = "lost"} : by_log(ending, cause, signal);
  Weighing(ending, cause, signal).weigh(failure);
  return failure;
}

}  // namespace workflow::sweep
