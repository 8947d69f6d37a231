#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>

#include "client/env_value.h"
#include "client/settings_table.h"
#include "common/text.h"
#include "remote/pods/query.h"
#include "sweep/metric_patterns.h"

namespace workflow::client {
namespace {

bool is_flag(std::string_view value) {
  const std::string word = lower(trim(value));
  return truthy(word) || word == "0" || word == "false" || word == "no" || word == "n" ||
         word == "off";
}

bool is_number(std::string_view value, std::int64_t least) {
  const auto number = parse_integer(value);
  return number && *number >= least;
}

bool is_real(std::string_view value) {
  const auto number = sweep::metric_number(value);
  return number && std::isfinite(*number);
}

bool is_amount(std::string_view value) {
  if (!is_real(value)) return false;
  const double number = std::stod(std::string(value));
  return number > 0 && number <= 100'000;
}

bool is_url(std::string_view value) {
  const bool http = value.starts_with("http://") || value.starts_with("https://");
  const auto host = value.find("://") + 3;
  return http && value.size() > host &&
         std::ranges::all_of(value, [](unsigned char c) { return c > ' ' && c != 0x7f; });
}

bool is_gpus(std::string_view value) {
  if (value == "all") return true;
  const auto parts = split(value, '/');
  return parts.size() <= 2 &&
         std::ranges::all_of(parts, [](const auto& part) { return is_number(part, 1); });
}

bool is_sha(std::string_view value) {
  return value.size() >= 7 && value.size() <= 64 &&
         std::ranges::all_of(value, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

bool is_choice(std::string_view value, std::string_view choices) {
  const auto words = split(choices, ' ');
  return std::ranges::find(words, value) != words.end();
}

/// The value is not repeated: whoever mistook names for values wrote a secret here.
std::optional<std::string> names_fault(std::string_view value) {
  std::size_t word = 0;
  for (const auto& name : setting_names(value)) {
    ++word;
    if (valid_env_name(name)) continue;
    return "word " + std::to_string(word) +
           " is not the name of a variable; list names, not values: WANDB_API_KEY,HF_TOKEN";
  }
  return std::nullopt;
}

std::optional<std::string> query_fault(const std::string& key, std::string_view value) {
  std::vector<std::string> faults;
  for (const auto& fault : pods::query_faults(value, key)) {
    faults.push_back("column " + std::to_string(fault.column) + ": " + fault.message);
  }
  return faults.empty() ? std::nullopt : std::optional(key + ": " + join(faults, "; "));
}

/// "a, b or c" of "a b c".
std::string listed(std::string_view choices) {
  const auto words = split(choices, ' ');
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

/// What a value of this kind must be; empty when it is.
std::string expected(const SettingRow& row, std::string_view value) {
  switch (row.kind) {
    case Kind::flag:
      return is_flag(value) ? "" : "is neither 1 (true, yes, on) nor 0 (false, no, off)";
    case Kind::seconds:
      return parse_duration(value) ? "" : "is not a duration such as 90, 90s, 15m, 2h or 1d";
    case Kind::size:
      return parse_size(value) ? "" : "is not a size such as 512M or 10G";
    case Kind::count:
      return is_number(value, 0) ? "" : "is not a whole number";
    case Kind::positive:
      return is_number(value, 1) ? "" : "is not a whole number from 1";
    case Kind::real:
      return is_real(value) ? "" : "is not a number such as 20 or 1.5";
    case Kind::amount:
      return is_amount(value) ? "" : "is not a number above 0, such as 8 or 1.5";
    case Kind::gpus:
      return is_gpus(value) ? "" : "is not a number of GPUs: N, 1/2 or all";
    case Kind::choice:
      return is_choice(value, row.choices) ? "" : "is not " + listed(row.choices);
    case Kind::name:
      return valid_id(value) ? "" : "is not a name of letters, digits, '.', '_', '-'";
    case Kind::session:
      return value.find_first_of(".:") == std::string_view::npos
                 ? ""
                 : "holds '.' or ':', which tmux would turn into '_'";
    case Kind::sha:
      return is_sha(value) ? "" : "is not a git commit (7 hex digits or more)";
    case Kind::url:
      return is_url(value) ? "" : "is not an address such as https://host/path";
    case Kind::text:
    case Kind::names:
    case Kind::patterns:
    case Kind::query:
    case Kind::path_here:
    case Kind::path_there:
      return "";
  }
  return "";
}

}  // namespace

std::vector<std::string> setting_names(std::string_view value) {
  std::string spaced(value);
  std::ranges::replace_if(
      spaced, [](char c) { return c == ',' || c == '\t'; }, ' ');
  auto names = split(spaced, ' ');
  std::erase(names, "");
  return names;
}

std::optional<std::string> value_fault(const SettingRow& row, std::string_view value) {
  const std::string key(row.key);
  if (row.kind == Kind::names) {
    const auto fault = names_fault(value);
    return fault ? std::optional(key + ": " + *fault) : std::nullopt;
  }
  if (row.kind == Kind::patterns) return sweep::metric_patterns_fault(value);
  if (row.kind == Kind::query) return query_fault(key, value);
  const std::string wrong = expected(row, value);
  if (wrong.empty()) return std::nullopt;
  return key + ": '" + std::string(value) + "' " + wrong;
}

}  // namespace workflow::client
