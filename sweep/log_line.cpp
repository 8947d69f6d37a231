#include "sweep/log_line.h"

#include <algorithm>

#include "common/text.h"

namespace workflow::sweep {
namespace {

using failure_table::Cause;
using failure_table::causes;
using failure_table::Look;
using failure_table::TypeCause;
using failure_table::types;

constexpr auto npos = std::string_view::npos;

bool word_char(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool blank(char c) { return c == ' ' || c == '\t'; }

const TypeCause* type_cause(std::string_view name) {
  const auto* found = std::find_if(std::begin(types), std::end(types), [&](const TypeCause& row) {
    const auto names = split(row.names, ' ');
    return std::find(names.begin(), names.end(), name) != names.end();
  });
  return name.empty() || found == std::end(types) ? nullptr : found;
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

}  // namespace

std::string_view without_rank(std::string_view line) {
  const auto close = line.find("]:");
  if ((!line.starts_with("[rank") && !line.starts_with("[default")) || close == npos) return line;
  line.remove_prefix(close + 2);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

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

std::int64_t number_behind(std::string_view line, std::string_view mark) {
  const auto at = line.find(mark);
  if (at == npos) return 0;
  line.remove_prefix(at + mark.size());
  const std::size_t sign = line.starts_with('-') ? 1 : 0;
  const auto end = line.find_first_not_of("0123456789", sign);
  return parse_integer(line.substr(0, end)).value_or(0);
}

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

}  // namespace workflow::sweep
