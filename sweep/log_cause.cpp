#include "sweep/log_cause.h"

#include <algorithm>
#include <csignal>

#include "common/text.h"
#include "sweep/log_line.h"

namespace workflow::sweep {
namespace {

using failure_table::Weight;

constexpr auto npos = std::string_view::npos;

/// One crash prints its causes and their echoes within this many lines, ranks and stacks included.
constexpr std::int64_t near = 200;

class Search {
 public:
  Search(std::int64_t offset, std::int64_t lines) : offset_(offset), number_(lines) {}

  LogCause run(std::string_view tail) {
    for (std::size_t at = 0; at < tail.size();) {
      const std::size_t end = std::min(tail.find('\n', at), tail.size());
      ++number_;
      // A progress bar redraws its line with carriage returns; each drawing is judged alone.
      for (std::size_t part = at; part < end;) {
        const std::size_t stop = std::min(tail.substr(0, end).find('\r', part), end);
        if (stop > part) judge(tail.substr(part, stop - part), part);
        part = stop + 1;
      }
      at = end + 1;
    }
    best_.old = number_ - best_.failure.line_number > near;
    return std::move(best_);
  }

 private:
  void judge(std::string_view raw, std::size_t at) {
    constexpr std::size_t longest = 2000;  // a cause stands at the front of its line
    const std::string clean = without_escapes(raw.substr(0, longest));
    std::string_view line = without_rank(clean);
    if (trim(line).empty()) return;
    note_frame(line);
    note_death(line);
    if (in_table_) line = trim(line);
    const std::string_view type = exception_type(line);
    const auto cause = cause_of(line, type);
    const bool by_signal = line.find("(SIG") != npos && line.find(" received by PID") != npos;
    Strength strength = Strength::none;
    if (in_table_ || is_wrapper(type) || by_signal) {
      if (cause || by_signal) strength = Strength::wrapper;
    } else if (cause) {
      strength = cause->weight == Weight::strong ? Strength::strong : Strength::weak;
    } else if (!type.empty()) {
      strength = Strength::plain;
    }
    const bool better = strength != Strength::none && displaces(strength);
    if (!type.empty()) chained_ = false;
    const bool struck = by_signal && best_.guilty.struck() && best_.struck.cls.empty();
    if (struck) best_.struck = failure_at("killed", line, at);
    if (!better) return;
    best_.strength = strength;
    best_.failure = failure_at(cause ? cause->cls : by_signal ? "killed" : "exit", line, at);
  }

  [[nodiscard]] Failure failure_at(std::string_view cls, std::string_view line,
                                   std::size_t at) const {
    const std::string_view text = trim(line);
    return {.cls = std::string(cls),
            .line = std::string(text.substr(0, whole_utf8(text.substr(0, 500)))),
            .offset = offset_ + static_cast<std::int64_t>(at),
            .line_number = number_};
  }

  static bool is_wrapper(std::string_view type) {
    return std::find(std::begin(failure_table::wrappers), std::end(failure_table::wrappers),
                     type) != std::end(failure_table::wrappers);
  }

  /// Notes where torchrun's table of failed ranks stands, and which tracebacks are one chain.
  void note_frame(std::string_view line) {
    if (line.find("ChildFailedError") != npos) {
      in_table_ = true;
      root_cause_ = false;
      rules_ = 0;
    } else if (in_table_ && line.starts_with("=====") && ++rules_ == 2) {
      in_table_ = false;
    } else if (line.starts_with("During handling of the above exception") ||
               line.starts_with("The above exception was the direct cause")) {
      chained_ = true;
    }
  }

  /// Whom the log calls dead, and what torchrun's table says of each rank that failed.
  void note_death(std::string_view line) {
    if (const auto pid = dead_process(line); pid > 0) best_.pids.push_back(pid);
    if (!in_table_) return;
    if (line.starts_with("Root Cause")) root_cause_ = true;
    const std::string_view text = trim(line);
    if (text.starts_with("rank ")) rank_ = static_cast<int>(number_behind(text, ": "));
    if (!text.starts_with("exitcode ") || best_.guilty.struck()) return;
    const GuiltyRank here{rank_, static_cast<int>(number_behind(text, ": "))};
    if (root_cause_ || here.struck()) best_.guilty = here;
  }

  [[nodiscard]] bool displaces(Strength strength) const {
    const Strength old = best_.strength;
    if (old == Strength::none || old == Strength::wrapper) return true;
    if (strength == Strength::wrapper) return false;
    // In a chain the last exception with a class is the cause: one without only passes it on.
    if (chained_) return strength != Strength::plain || old == Strength::plain;
    return strength >= old || number_ - best_.failure.line_number > near;
  }

  std::int64_t offset_;
  std::int64_t number_;
  bool chained_ = false;  // the next exception was raised while the last one was handled
  bool in_table_ = false;
  bool root_cause_ = false;  ///< in torchrun's table, below that heading
  int rank_ = -1;            ///< of the table's entry
  int rules_ = 0;
  LogCause best_;
};

}  // namespace

bool GuiltyRank::struck() const {
  // SIGABRT follows what a library has said, SIGTERM is torchrun's own.
  return exit_code == -SIGKILL || exit_code == -SIGSEGV || exit_code == -SIGBUS ||
         exit_code == -SIGILL || exit_code == -SIGFPE;
}

LogCause find_cause(std::string_view log_tail, std::int64_t tail_offset,
                    std::int64_t lines_before_tail) {
  return Search(tail_offset, lines_before_tail).run(log_tail);
}

}  // namespace workflow::sweep
