#include "common/text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <random>

#include "common/error.h"

namespace workflow {
namespace {

bool ascii_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t up = row[j];
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
      diagonal = up;
    }
  }
  return row[b.size()];
}

std::optional<std::int64_t> with_unit(std::string_view text, std::string_view units,
                                      const std::int64_t* factors) {
  if (text.empty()) return std::nullopt;
  std::int64_t factor = 1;
  const char last = text.back();
  if (const auto at = units.find(last); at != std::string_view::npos) {
    factor = factors[at];
    text.remove_suffix(1);
  }
  const auto number = parse_integer(text);
  std::int64_t result = 0;
  if (!number || *number < 0 || __builtin_mul_overflow(*number, factor, &result)) {
    return std::nullopt;
  }
  return result;
}

}  // namespace

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (true) {
    const auto end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool truthy(std::string_view text) {
  const std::string word = lower(trim(text));
  return word == "1" || word == "true" || word == "yes" || word == "y" || word == "on";
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  static constexpr std::int64_t factors[] = {1, 60, 3600, 86400};
  const auto seconds = with_unit(trim(text), "smhd", factors);
  // Three thousand years: more would overflow as milliseconds.
  return seconds && *seconds <= 100'000'000'000 ? seconds : std::nullopt;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  static constexpr std::int64_t factors[] = {1LL << 10, 1LL << 20, 1LL << 30, 1LL << 40};
  return with_unit(trim(text), "KMGT", factors);
}

std::string human_duration(std::int64_t seconds) {
  seconds = std::max<std::int64_t>(seconds, 0);
  const auto two = [](std::int64_t a, const char* big, std::int64_t b, const char* small) {
    std::string out = std::to_string(a) + big;
    if (b != 0) out += " " + std::to_string(b) + small;
    return out;
  };
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return two(seconds / 60, " min", seconds % 60, " s");
  if (seconds < 86400) return two(seconds / 3600, " h", seconds % 3600 / 60, " min");
  return two(seconds / 86400, " d", seconds % 86400 / 3600, " h");
}

std::string counted(std::int64_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

std::string human_bytes(double bytes) {
  static constexpr const char* units[] = {"bytes", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 999.5 && unit + 1 < std::size(units); ++unit) bytes /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit > 0 && bytes < 9.95 ? "%.1f" : "%.0f", bytes);
  return std::string(text) + " " + units[unit];
}

std::string usd(double amount) {
  char text[64];
  const bool small = amount > 0 && amount < 0.1;
  std::snprintf(text, sizeof text, small ? "$%.3g" : "$%.2f", amount);
  return text;
}

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
  std::string best;
  std::size_t best_edits = std::string_view::npos;
  for (const auto& name : names) {
    const std::size_t limit = std::max<std::size_t>(1, std::max(name.size(), word.size()) / 3);
    const std::size_t distance = edits(word, name);
    if (distance <= limit && distance < best_edits) {
      best = name;
      best_edits = distance;
    }
  }
  return best;
}

bool valid_id(std::string_view id) {
  if (id.empty() || id.size() > 128 || !ascii_alnum(id.front())) return false;
  return std::all_of(id.begin(), id.end(),
                     [](char c) { return ascii_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

void require_id(std::string_view kind, std::string_view id) {
  if (valid_id(id)) return;
  throw Error(Code::usage,
              std::string(kind) + " '" + std::string(id.substr(0, 200)) + "' is not a valid id",
              "an id starts with a letter or digit and has at most 128 of A-Z a-z 0-9 . _ -");
}

std::string shell_quote(std::string_view word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return ascii_alnum(c) || std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
  });
  if (plain) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::optional<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\'') {
      if (c == '\'')
        quote = 0;
      else
        word += c;
    } else if (c == '\\') {
      if (++i == text.size()) return std::nullopt;
      const bool special =
          quote == 0 || std::string_view("\\\"$`\n").find(text[i]) != std::string_view::npos;
      if (!special) word += '\\';
      if (text[i] != '\n') word += text[i];
      in_word = true;
    } else if (quote == '"') {
      if (c == '"')
        quote = 0;
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) return std::nullopt;
  if (in_word) words.push_back(std::move(word));
  return words;
}

std::string random_hex(std::size_t n) {
  static constexpr char digits[] = "0123456789abcdef";
  std::random_device kernel;
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    const unsigned byte = kernel() & 0xffU;
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
  return out;
}

std::string without_escapes(std::string_view text) {
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

}  // namespace workflow
