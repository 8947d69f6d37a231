#include "sweep/metric_patterns.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "common/error.h"
#include "common/text.h"

namespace workflow::sweep {
namespace {

constexpr std::size_t longest_line = 4096;
constexpr std::size_t most_patterns = 64;

// A number that words are followed by; in a class of its own so that `nan` is no part of `nancy`.
constexpr const char* before_words = "(?:^|[^[:alnum:]_])(?:";
constexpr const char* after_words =
    R"()["']?[[:space:]]*[:=]?[[:space:]]*([-+]?(?:[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?|)"
    R"(\.[0-9]+(?:[eE][-+]?[0-9]+)?|[nN][aA][nN]|[iI][nN][fF](?:inity)?))(?:$|[^[:alnum:]_]))";

struct Part {
  std::string_view text;
  std::size_t column = 1;
};

/// The parts between semicolons; one after a backslash is none.
std::vector<Part> parts_of(std::string_view setting) {
  std::vector<Part> parts;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= setting.size(); ++i) {
    if (i + 1 < setting.size() && setting[i] == '\\') {
      ++i;
      continue;
    }
    if (i < setting.size() && setting[i] != ';') continue;
    const std::string_view whole = setting.substr(begin, i - begin);
    const std::string_view text = trim(whole);
    const std::size_t blanks = text.empty() ? 0 : whole.find(text.front());
    if (!text.empty()) parts.push_back({text, begin + blanks + 1});
    begin = i + 1;
  }
  return parts;
}

bool valid_key(std::string_view key) {
  return !key.empty() && key.size() <= 64 && std::ranges::all_of(key, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '/' || c == '-';
  });
}

/// A name that stands for itself has no meaning as a regex.
std::string literal(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '.' ? std::string("\\.") : std::string(1, c);
  return out;
}

std::string without_escaped_semicolons(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      if (text[i + 1] != ';') out += text[i];
      ++i;
    }
    out += text[i];
  }
  return out;
}

[[noreturn]] void refuse(const Part& part, std::string_view key, const std::string& why) {
  throw Error(Code::usage,
              "METRIC_PATTERNS, column " + std::to_string(part.column) + ": " +
                  (key.empty() ? "" : "'" + std::string(key) + "': ") + why,
              "write NAME, NAME=WORDS or NAME=REGEX with one group, separated by ';'");
}

Regex regex_of(const Part& part, std::string_view key, std::string_view text) {
  try {
    const std::string pattern = text.empty() ? literal(key) : without_escaped_semicolons(text);
    Regex regex(pattern);
    return regex.group_count() > 0 ? regex : Regex(before_words + pattern + after_words);
  } catch (const Error& fault) {
    refuse(part, key, fault.what());
  }
}

}  // namespace

std::optional<double> metric_number(std::string_view text) {
  text = trim(text);
  const bool digit =
      std::ranges::any_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
  const std::string word =
      lower(text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0));
  if (!digit && word != "nan" && word != "inf" && word != "infinity") return std::nullopt;
  if (word.starts_with("0x") || text.size() > 64) return std::nullopt;
  const std::string whole(text);
  char* end = nullptr;
  const double value = std::strtod(whole.c_str(), &end);
  if (end != whole.c_str() + whole.size()) return std::nullopt;
  return value;
}

std::string plain_line(std::string_view line) {
  std::string out = without_escapes(line);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return out;
}

MetricPatterns::MetricPatterns(std::string_view setting) {
  for (const Part& part : parts_of(setting)) {
    const auto equals = part.text.find('=');
    const std::string_view key = trim(part.text.substr(0, equals));
    const std::string_view text =
        equals == std::string_view::npos ? std::string_view() : trim(part.text.substr(equals + 1));
    if (!valid_key(key)) {
      refuse(part, {},
             "'" + std::string(key) + "' is no name of a metric: letters, digits, _ . / -");
    }
    if (equals != std::string_view::npos && text.empty()) refuse(part, key, "nothing after '='");
    if (patterns_.size() == most_patterns) refuse(part, key, "more than 64 patterns");
    patterns_.push_back({std::string(key), regex_of(part, key, text)});
  }
}

std::vector<MetricValue> MetricPatterns::values(std::string_view line) const {
  std::vector<MetricValue> out;
  if (patterns_.empty()) return out;
  const std::string plain = plain_line(line.substr(0, longest_line));
  for (const auto& pattern : patterns_) {
    for (const auto& group : pattern.regex.groups(plain)) {
      const auto value = metric_number(group);
      if (!value) continue;
      out.emplace_back(pattern.key, *value);
      break;
    }
  }
  return out;
}

std::optional<std::string> metric_patterns_fault(std::string_view setting) {
  try {
    const MetricPatterns patterns(setting);
    return std::nullopt;
  } catch (const Error& fault) {
    return fault.what();
  }
}

}  // namespace workflow::sweep
