#include "client/env_value.h"

#include <algorithm>
#include <utility>

namespace workflow::client {
namespace {

constexpr std::string_view blanks = " \t";

class ValueReader {
 public:
  ValueReader(std::string_view line, std::size_t at, const ValueContext& context)
      : line_(line), at_(at), context_(context) {}

  std::optional<std::string> read() {
    while (going_ && at_ < line_.size() && !is_blank(line_[at_])) piece();
    if (going_) tail();
    if (faulty_) return std::nullopt;
    return std::move(value_);
  }

 private:
  static bool is_blank(char c) { return blanks.find(c) != std::string_view::npos; }

  void fault(std::size_t at, std::string message) {
    context_.fault(at, std::move(message));
    faulty_ = true;
  }

  /// A fault behind which the rest of the line cannot be judged.
  void stop(std::size_t at, std::string message) {
    fault(at, std::move(message));
    going_ = false;
  }

  void piece() {
    const char c = line_[at_];
    if (c == '\'') return single();
    if (c == '"') return double_quoted();
    if (c == '$') return dollar();
    if (c == '`') return backtick();
    if (c == '\\') return stop(at_, "backslash outside quotes; put the value in single quotes");
    if (std::string_view(";&|<>()").find(c) != std::string_view::npos) {
      return stop(at_, std::string("'") + c + "' outside quotes; put the value in single quotes");
    }
    value_ += c;
    ++at_;
  }

  void single() {
    const auto end = line_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return open_quote(at_);
    value_ += line_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
  }

  void double_quoted() {
    const std::size_t opened = at_++;
    while (going_ && at_ < line_.size()) {
      const char c = line_[at_];
      if (c == '"') {
        ++at_;
        return;
      }
      if (c == '\\') {
        escape(opened);
      } else if (c == '$') {
        dollar();
      } else if (c == '`') {
        backtick();
      } else {
        value_ += c;
        ++at_;
      }
    }
    if (going_) open_quote(opened);
  }

  void escape(std::size_t opened) {
    if (at_ + 1 == line_.size()) return open_quote(opened);
    const char c = line_[at_ + 1];
    if (c == '"' || c == '\\' || c == '$') {
      value_ += c;
    } else {
      fault(at_, R"(unknown escape; only \" \\ \$ are known, write \\ for a backslash)");
    }
    at_ += 2;
  }

  void open_quote(std::size_t opened) {
    context_.unclosed(opened, line_[opened]);
    faulty_ = true;
    going_ = false;
  }

  void backtick() {
    stop(at_, "a command in backticks is not run here; write its result, or use single quotes");
  }

  void dollar() {
    const std::size_t start = at_;
    const char next = start + 1 < line_.size() ? line_[start + 1] : '\0';
    if (next == '{') return variable(start);
    if (next == '(') {
      return stop(start, "$(…) is not run here; write its result, or use single quotes");
    }
    if (!env_name_start(next)) {
      fault(start, "'$' without ${VAR}; for the character itself use single quotes");
      ++at_;
      return;
    }
    std::size_t end = start + 1;
    while (end < line_.size() && env_name_part(line_[end])) ++end;
    const std::string name(line_.substr(start + 1, end - start - 1));
    fault(start, "write ${" + name + "} instead of $" + name +
                     "; single quotes leave it to the command's own shell");
    at_ = end;
  }

  void variable(std::size_t start) {
    std::size_t end = start + 2;
    while (end < line_.size() && env_name_part(line_[end])) ++end;
    const std::string name(line_.substr(start + 2, end - start - 2));
    if (!valid_env_name(name) || end == line_.size() || line_[end] != '}') {
      return stop(start, "only ${NAME} is understood, with no operator in the braces");
    }
    if (const auto value = context_.lookup(name)) {
      value_ += *value;
    } else {
      fault(start, "${" + name + "} is not set; set " + name + " further up or in the environment");
    }
    at_ = end + 1;
  }

  /// What stands behind the value: nothing, or a comment.
  void tail() {
    const auto next = line_.find_first_not_of(blanks, at_);
    if (next == std::string_view::npos || line_[next] == '#') return;
    const bool nothing_yet = at_ == 0 || line_[at_ - 1] == '=';
    stop(nothing_yet && value_.empty() ? at_ : next,
         nothing_yet && value_.empty()
             ? "space behind '='; write KEY=VALUE without spaces"
             : "a second word; a value with spaces needs quotes around the whole of it");
  }

  std::string_view line_;
  std::size_t at_;
  const ValueContext& context_;
  std::string value_;
  bool going_ = true;
  bool faulty_ = false;
};

}  // namespace

std::optional<std::string> read_env_value(std::string_view line, std::size_t at,
                                          const ValueContext& context) {
  return ValueReader(line, at, context).read();
}

bool env_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool env_name_part(char c) { return env_name_start(c) || (c >= '0' && c <= '9'); }

bool valid_env_name(std::string_view name) {
  return !name.empty() && env_name_start(name.front()) &&
         std::all_of(name.begin(), name.end(), env_name_part);
}

}  // namespace workflow::client
