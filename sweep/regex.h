#pragma once

#include <regex.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace workflow::sweep {

/// A POSIX extended regular expression of the C library, whose time grows with the text alone;
/// <regex> would overflow the stack on a long line and make the agent a tenth bigger. What people
/// write from habit is understood: \d \s \w \D \S \W, also within brackets, and (?: … ).
class Regex {
 public:
  /// Error(usage) whose message says what is wrong, without naming the setting.
  explicit Regex(std::string_view pattern);

  [[nodiscard]] bool matches(const std::string& text) const;
  /// What each group captured at the first match, in the order of their brackets, empty where one
  /// took no part; nothing where there is no match. (?: … ) is no group.
  [[nodiscard]] std::vector<std::string> groups(const std::string& text) const;
  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }

 private:
  std::shared_ptr<const regex_t> compiled_;
  std::vector<std::size_t> groups_;  ///< POSIX numbers of those that are groups here
};

}  // namespace workflow::sweep
