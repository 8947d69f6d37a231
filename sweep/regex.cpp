#include "sweep/regex.h"

#include <array>

#include "common/error.h"
#include "common/text.h"

namespace workflow::sweep {
namespace {

/// The POSIX words for a pattern's classes; the dialect's other escapes stay as they are.
class Translation {
 public:
  explicit Translation(std::string_view pattern) : in_(pattern) {
    while (at_ < in_.size()) step();
    if (in_class_) refuse("'[' is never closed");
  }

  std::string out{};
  std::vector<std::size_t> groups{};

 private:
  [[noreturn]] static void refuse(const std::string& why) { throw Error(Code::usage, why); }

  [[nodiscard]] char peek(std::size_t n) const {
    return at_ + n < in_.size() ? in_[at_ + n] : '\0';
  }

  void step() {
    const char c = in_[at_];
    if (c == '\\') return escape();
    if (in_class_) return in_class();
    if (c == '(') return open();
    if (c == '[') return open_class();
    if (c == '?' && (last_ == '*' || last_ == '+' || last_ == '?')) {
      refuse("'" + std::string{last_, c} +
             "' repeats as little as possible, which is not known "
             "here; write [^x]* up to the next x");
    }
    take(1);
  }

  void take(std::size_t n) {
    last_ = in_[at_];
    out += in_.substr(at_, n);
    at_ += n;
  }

  void open() {
    brackets_ += 1;
    const bool plain = peek(1) == '?' && peek(2) == ':';
    if (peek(1) == '?' && !plain) refuse("'(?" + std::string(1, peek(2)) + "' is not known here");
    if (!plain) groups.push_back(brackets_);
    out += '(';
    last_ = '(';
    at_ += plain ? 3 : 1;
  }

  void open_class() {
    in_class_ = true;
    take(peek(1) == '^' ? 2 : 1);
    if (at_ < in_.size() && in_[at_] == ']') take(1);  // first of all it stands for itself
  }

  void in_class() {
    if (in_[at_] == '[' && (peek(1) == ':' || peek(1) == '.' || peek(1) == '=')) {
      const auto end = in_.find(std::string{peek(1), ']'}, at_ + 2);
      if (end == std::string_view::npos)
        refuse("'[" + std::string(1, peek(1)) + "' is never closed");
      return take(end + 2 - at_);
    }
    if (in_[at_] == ']') in_class_ = false;
    take(1);
  }

  void escape() {
    const char c = peek(1);
    if (c == '\0') refuse("it ends with '\\'");
    at_ += 2;
    last_ = c == '*' || c == '+' || c == '?' ? '.' : c;
    const std::string named = c == 'd'   ? "0-9"
                              : c == 's' ? "[:space:]"
                              : c == 'w' ? "[:alnum:]_"
                                         : "";
    const std::string other = c == 'D'   ? "0-9"
                              : c == 'S' ? "[:space:]"
                              : c == 'W' ? "[:alnum:]_"
                                         : "";
    if (!in_class_) {
      if (!named.empty())
        out += "[" + named + "]";
      else if (!other.empty())
        out += "[^" + other + "]";
      else if (c == 't')
        out += '\t';
      else
        out += {'\\', c};
      return;
    }
    if (!other.empty() || c == ']' || c == '-') {
      refuse("'\\" + std::string(1, c) +
             "' cannot stand within [ ]; there ']' goes first and '-' last");
    }
    out += !named.empty() ? named : c == 't' ? "\t" : std::string(1, c);
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::size_t brackets_ = 0;
  char last_ = '\0';
  bool in_class_ = false;
};

}  // namespace

Regex::Regex(std::string_view pattern) {
  Translation translation(pattern);
  auto compiled = std::make_unique<regex_t>();
  if (const int fault = ::regcomp(compiled.get(), translation.out.c_str(), REG_EXTENDED)) {
    std::array<char, 128> why{};
    ::regerror(fault, compiled.get(), why.data(), why.size());
    throw Error(Code::usage, lower(why.data()));
  }
  groups_ = std::move(translation.groups);
  compiled_ = {compiled.release(), [](const regex_t* regex) {
                 ::regfree(const_cast<regex_t*>(regex));
                 delete regex;
               }};
}

bool Regex::matches(const std::string& text) const {
  return ::regexec(compiled_.get(), text.c_str(), 0, nullptr, 0) == 0;
}

std::vector<std::string> Regex::groups(const std::string& text) const {
  std::vector<regmatch_t> found(compiled_->re_nsub + 1);
  if (::regexec(compiled_.get(), text.c_str(), found.size(), found.data(), 0) != 0) return {};
  std::vector<std::string> out;
  for (const std::size_t n : groups_) {
    const regmatch_t& match = found.at(n);
    out.push_back(match.rm_so < 0
                      ? std::string()
                      : text.substr(static_cast<std::size_t>(match.rm_so),
                                    static_cast<std::size_t>(match.rm_eo - match.rm_so)));
  }
  return out;
}

}  // namespace workflow::sweep
