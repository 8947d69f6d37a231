#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Every key of workflow.env: one row each, and nothing about keys is written anywhere else.
// The example file, the checks and the `config` command are derived from the rows.
namespace workflow::client {

/// What a value must look like; checked for every value that is set, whatever set it.
enum class Kind {
  text,        ///< anything
  flag,        ///< 1 true yes y on, or 0 false no n off
  seconds,     ///< a duration: 90, 90s, 15m, 2h, 1d
  size,        ///< bytes: 512M, 10G
  count,       ///< a whole number, 0 included
  positive,    ///< a whole number from 1
  real,        ///< a number such as 20 or 1.5
  amount,      ///< a number above 0, at most 100000
  gpus,        ///< N, a fraction such as 1/2, or all
  choice,      ///< one of the row's choices
  name,        ///< an id: letters, digits, '.', '_', '-'
  names,       ///< names of variables, separated by commas or spaces
  session,     ///< a tmux session
  sha,         ///< a git commit, 7 hex digits or more
  url,         ///< an address that begins with http:// or https://
  patterns,    ///< metrics in a log, as sweep/metric_patterns.h reads them
  query,       ///< a machine to rent, as remote/pods/query.h reads it
  path_here,   ///< a path of this machine
  path_there,  ///< a path of the target
};

enum class Family {
  target,
  pod,
  remote,
  state,
  limits,
  checkout,
  prepare,
  data,
  sweep,
  training,
  artifacts,
};

/// One key. An empty default means that there is none.
struct SettingRow {
  std::string_view key;
  Kind kind = Kind::text;
  Family family = Family::target;
  std::string_view default_value;
  std::string_view meaning;
  std::string_view local_default = {};  ///< instead of default_value, on target `local`
  std::string_view else_default = {};   ///< where default_value is not writable on the target
  std::string_view choices = {};        ///< words of Kind::choice, separated by spaces
};

/// Every key, families together, in the order they are shown.
[[nodiscard]] std::span<const SettingRow> setting_rows();

/// The row of a key; null when it is not one of ours.
[[nodiscard]] const SettingRow* find_setting(std::string_view key);

/// The row of a key that code asks for; a key without a row is a bug.
[[nodiscard]] const SettingRow& setting_row(std::string_view key);

/// A heading for people, e.g. "checkout".
[[nodiscard]] std::string_view family_title(Family family);

/// What is wrong with a non-empty value of this key and how to write it; nothing when it is right.
[[nodiscard]] std::optional<std::string> value_fault(const SettingRow& row, std::string_view value);

/// The words of a Kind::names value.
[[nodiscard]] std::vector<std::string> setting_names(std::string_view value);

/// True for keys that start with a prefix of ours, so that an unknown one is likely a slip.
[[nodiscard]] bool has_our_prefix(std::string_view key);

/// The nearest key there is; empty when none is near.
[[nodiscard]] std::string nearest_setting(std::string_view key);

/// The bytes of workflow.env.example: every key, commented out, with its default and meaning.
[[nodiscard]] std::string example_file();

}  // namespace workflow::client
