#include "sweep/log_cause.h"

#include <algorithm>

#include "common/text.h"
#include "sweep/failure_table.h"

namespace workflow::sweep {
namespace {

using failure_table::Cause;
using failure_table::causes;
using failure_table::Look;
using failure_table::TypeCause;
using failure_table::types;
using failure_table::Weight;

constexpr auto npos = std::string_view::npos;

/// One crash prints its causes and their echoes within this many lines, ranks and stacks included.
constexpr std::int64_t near = 200;

bool word_char(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool blank(char c) { return c == ' ' || c == '\t'; }

std::string without_colours(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\x1b') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '[') {
      for (i += 2; i < text.size() && (text[i] < '@' || text[i] > '~');) ++i;
    }
  }
  return out;
}

/// What torch and torchrun put before every line of a rank: `[rank0]: `, `[default0]:`.
std::string_view without_rank(std::string_view line) {
  const auto close = line.find("]:");
  if ((!line.starts_with("[rank") && !line.starts_with("[default")) || close == npos) return line;
  line.remove_prefix(close + 2);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

const TypeCause* type_cause(std::string_view name) {
  const auto* found = std::find_if(std::begin(types), std::end(types), [&](const TypeCause& row) {
    const auto names = split(row.names, ' ');
    return std::find(names.begin(), names.end(), name) != names.end();
  });
  return name.empty() || found == std::end(types) ? nullptr : found;
}

/// The last part of the dotted name a Python exception line begins with; empty when it is none.
std::string_view exception_type(std::string_view line) {
  std::size_t end = 0;
  while (end < line.size() && (word_char(line[end]) || line[end] == '.')) ++end;
  if (end == 0 || (end < line.size() && line[end] != ':')) return {};
  if (end + 1 < line.size() && line[end + 1] != ' ') return {};
  std::string_view name = line.substr(0, end);
  const auto dot = name.rfind('.');
  if (dot != npos) name.remove_prefix(dot + 1);
  // `MeanSquaredError: 0.12` is a metric; only a KeyError is about a number.
  const std::string_view message = trim(line.substr(std::min(end + 1, line.size())));
  if (name != "KeyError" && !message.empty() &&
      message.find_first_not_of("0123456789.+-e") == npos) {
    return {};
  }
  if (name.ends_with("Error") || name.ends_with("Exception") || name == "SystemExit" ||
      name == "KeyboardInterrupt") {
    return name;
  }
  return type_cause(name) != nullptr ? name : std::string_view{};
}

/// `no NaN detected` and `0 CUDA errors` are good news.
bool negated(std::string_view text, std::size_t at) {
  while (at > 0 && blank(text[at - 1])) --at;
  std::size_t begin = at;
  while (begin > 0 && word_char(text[begin - 1])) --begin;
  const std::string_view word = text.substr(begin, at - begin);
  return word == "no" || word == "not" || word == "0" || word == "without" || word == "never";
}

/// `loss is nan_to_num(x)` and `NaN detected: False` are innocent too.
bool nan_goes_on(std::string_view rest) {
  if (!rest.empty() && word_char(rest.front())) return true;
  rest.remove_prefix(std::min(rest.find_first_not_of(" :="), rest.size()));
  return rest.starts_with("false") || rest.starts_with("0") || rest.starts_with("no");
}

/// `text` is lower case.
bool says(std::string_view text, const Cause& cause) {
  const auto at = text.find(cause.needle);
  if (at == npos || (!cause.also.empty() && text.find(cause.also) == npos)) return false;
  if (cause.cls == "nan" && nan_goes_on(text.substr(at + cause.needle.size()))) return false;
  return !negated(text, at);
}

/// Text of a library that tells of trouble and goes on.
bool warning(std::string_view text) {
  const bool torch = text.size() > 2 && text.starts_with("[w") &&
                     (text[2] == ' ' || (text[2] >= '0' && text[2] <= '9'));
  return torch || text.find("warn") != npos || text.find("retry") != npos;
}

/// What a line stands for.
struct Meaning {
  std::string_view cls;
  Weight weight;
};

std::optional<Meaning> cause_of(std::string_view line, std::string_view type) {
  const std::string text = lower(line);
  const std::string_view inner = trim(line);
  const bool message = !type.empty() || inner.starts_with("what():");
  // An indented line quotes source or goes on with another's text, C++'s what() apart.
  if (!message && (blank(line.front()) || warning(text))) return std::nullopt;
  for (const auto& cause : causes) {
    if ((cause.look == Look::line || message) && says(text, cause)) {
      return Meaning{cause.cls, cause.weight};
    }
  }
  const TypeCause* known = type_cause(type);
  return known != nullptr ? std::optional(Meaning{known->cls, known->weight}) : std::nullopt;
}

/// The number behind a mark; 0 where there is none.
std::int64_t number_behind(std::string_view line, std::string_view mark) {
  const auto at = line.find(mark);
  if (at == npos) return 0;
  line.remove_prefix(at + mark.size());
  const std::size_t sign = line.starts_with('-') ? 1 : 0;
  const auto end = line.find_first_not_of("0123456789", sign);
  return parse_integer(line.substr(0, end)).value_or(0);
}

/// A process that a line calls dead: of torchrun, of torch's DataLoader, of bash.
std::int64_t dead_process(std::string_view line) {
  for (const std::string_view mark :
       {"(pid: ", "received by PID ", "DataLoader worker (pid ", "DataLoader worker (pid(s) "}) {
    if (const auto pid = number_behind(line, mark); pid > 0) return pid;
  }
  for (const std::string_view word :
       {" Killed ", " Segmentation fault ", " Aborted ", " Bus error "}) {
    const auto at = line.find(word);
    const auto mark = at == npos ? npos : line.rfind(": line ", at);
    if (mark == npos) continue;
    const auto number = line.find(": ", mark + 2);
    if (number != npos && number < at) {
      return parse_integer(trim(line.substr(number + 2, at - number - 2))).value_or(0);
    }
  }
  return 0;
}

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
    const std::string clean = without_colours(raw.substr(0, longest));
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
    if (!better) return;
    const std::string_view text = trim(line);
    best_.strength = strength;
    best_.failure.cls = cause ? cause->cls : by_signal ? "killed" : "exit";
    best_.failure.line = text.substr(0, whole_utf8(text.substr(0, 500)));
    best_.failure.offset = offset_ + static_cast<std::int64_t>(at);
    best_.failure.line_number = number_;
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

  /// Whom the log calls dead, and torchrun's own verdict: the rank that failed first.
  void note_death(std::string_view line) {
    if (const auto pid = dead_process(line); pid > 0) best_.pids.push_back(pid);
    if (!in_table_) return;
    if (line.starts_with("Root Cause")) root_cause_ = true;
    if (!root_cause_) return;
    const std::string_view text = trim(line);
    if (text.starts_with("rank ")) {
      best_.guilty.rank = static_cast<int>(number_behind(text, ": "));
    } else if (text.starts_with("exitcode ")) {
      best_.guilty.exit_code = static_cast<int>(number_behind(text, ": "));
    }
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
  int rules_ = 0;
  LogCause best_;
};

}  // namespace

LogCause find_cause(std::string_view log_tail, std::int64_t tail_offset,
                    std::int64_t lines_before_tail) {
  return Search(tail_offset, lines_before_tail).run(log_tail);
}

}  // namespace workflow::sweep
