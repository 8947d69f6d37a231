#include "client/env_file.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "client/env_value.h"

namespace workflow::client {
namespace {

constexpr std::string_view blanks = " \t";

std::vector<std::string_view> lines_of(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  std::vector<std::string_view> lines;
  while (!bytes.empty()) {
    const auto end = std::min(bytes.find('\n'), bytes.size());
    std::string_view line = bytes.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return lines;
}

/// 1-based, in characters: bytes that continue a UTF-8 sequence do not count.
std::size_t column_of(std::string_view line, std::size_t at) {
  const auto head = line.substr(0, at);
  return 1 + static_cast<std::size_t>(std::count_if(head.begin(), head.end(), [](char c) {
           return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
         }));
}

/// Where `export` and the blanks around it end.
std::size_t behind_export(std::string_view line) {
  const auto start = std::min(line.find_first_not_of(blanks), line.size());
  constexpr std::string_view word = "export";
  if (!line.substr(start).starts_with(word)) return start;
  const auto end = start + word.size();
  if (end == line.size() || blanks.find(line[end]) == std::string_view::npos) return start;
  return std::min(line.find_first_not_of(blanks, end), line.size());
}

std::size_t name_end(std::string_view line, std::size_t start) {
  std::size_t end = start;
  while (end < line.size() && env_name_part(line[end])) ++end;
  return end;
}

bool looks_like_assignment(std::string_view line) {
  const auto start = behind_export(line);
  const auto end = name_end(line, start);
  return end < line.size() && line[end] == '=' && valid_env_name(line.substr(start, end - start));
}

class FileReader {
 public:
  FileReader(std::string_view bytes, std::string_view name, const Environment& environment)
      : lines_(lines_of(bytes)), name_(name), environment_(environment) {}

  EnvFile read() {
    for (; row_ < lines_.size(); ++row_) line(lines_[row_]);
    if (!faults_.empty()) {
      const auto count = faults_.size();
      throw faults_error(faults_, std::to_string(count) + (count == 1 ? " fault" : " faults") +
                                      ", nothing was done");
    }
    return std::move(file_);
  }

 private:
  void fault(std::size_t at, std::string message) {
    faults_.push_back({name_, row_ + 1, column_of(lines_[row_], at), std::move(message)});
  }

  bool has_control_character(std::string_view line) {
    const auto bad = std::find_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
    });
    if (bad == line.end()) return false;
    char code[8];
    std::snprintf(code, sizeof code, "0x%02x", static_cast<unsigned>(*bad));
    fault(static_cast<std::size_t>(bad - line.begin()),
          *bad == '\0' ? "a NUL byte; save the file as UTF-8 text"
                       : "control character " + std::string(code) + "; remove it");
    return true;
  }

  void line(std::string_view line) {
    const auto first = line.find_first_not_of(blanks);
    if (has_control_character(line)) return;
    if (first == std::string_view::npos || line[first] == '#') return;
    const std::size_t start = behind_export(line);
    const std::size_t end = name_end(line, start);
    if (end == line.size() || line[end] != '=' || !env_name_start(line[start])) {
      return not_an_assignment(line, start, end);
    }
    assignment(line, std::string(line.substr(start, end - start)), end + 1);
  }

  void assignment(std::string_view line, const std::string& key, std::size_t at) {
    const std::size_t row = row_;
    const ValueContext context{
        [this](std::string_view name) { return lookup(name); },
        [this](std::size_t where, std::string message) { fault(where, std::move(message)); },
        [this](std::size_t where, char quote) { unclosed(where, quote); }};
    auto value = read_env_value(line, at, context);
    if (!value) {
      broken_.insert(key);
      return;
    }
    remember({key, std::move(*value), row + 1, column_of(line, at)},
             column_of(line, at) - 1 - key.size());
  }

  void remember(EnvEntry entry, std::size_t key_column) {
    const auto same = std::find_if(file_.entries.begin(), file_.entries.end(),
                                   [&](const EnvEntry& other) { return other.key == entry.key; });
    if (same != file_.entries.end()) {
      file_.warnings.push_back({name_, entry.line, key_column,
                                "'" + entry.key + "' is set twice; this line wins over line " +
                                    std::to_string(same->line)});
      file_.entries.erase(same);
    }
    file_.entries.push_back(std::move(entry));
  }

  std::optional<std::string> lookup(std::string_view name) const {
    for (const auto& entry : file_.entries) {
      if (entry.key == name) return entry.value;
    }
    // A key whose own line is faulty was reported there; its uses are no faults of their own.
    if (broken_.contains(std::string(name))) return std::string();
    return environment_ ? environment_(name) : std::nullopt;
  }

  /// Tells a value meant to span lines from a forgotten quote, and passes over the former's rest.
  void unclosed(std::size_t at, char quote) {
    const std::string kind = quote == '"' ? "double" : "single";
    for (std::size_t next = row_ + 1; next < lines_.size(); ++next) {
      if (looks_like_assignment(lines_[next])) break;
      if (lines_[next].find(quote) == std::string_view::npos) continue;
      fault(at, "a " + kind + "-quoted value over several lines; a value must be on one line");
      row_ = next;
      return;
    }
    fault(at, kind + " quote opened here is never closed");
  }

  void not_an_assignment(std::string_view line, std::size_t start, std::size_t end) {
    if (start == line.size()) return fault(start, "'export' of nothing; write export KEY=VALUE");
    const auto equals = line.find('=', end);
    const auto next = std::min(line.find_first_not_of(blanks, end), line.size());
    const std::string word(line.substr(start, line.find_first_of(" \t=", start) - start));
    if (end > start && next > end && next == equals) {
      return fault(end, "space before '='; write KEY=VALUE without spaces");
    }
    if (line.substr(end).starts_with("+=")) {
      return fault(end, "'+=' is not understood; write the whole value behind '='");
    }
    if (equals != std::string_view::npos && equals == start + word.size()) {
      return fault(start, "'" + word + "' is no key; a key is letters, digits and '_'");
    }
    fault(start, "not KEY=VALUE; this file is read, never executed: set a key or remove the line");
  }

  std::vector<std::string_view> lines_;
  std::string name_;
  const Environment& environment_;
  std::size_t row_ = 0;
  EnvFile file_;
  std::vector<Fault> faults_;
  std::set<std::string> broken_;
};

}  // namespace

EnvFile parse_env_file(std::string_view bytes, std::string_view file_name,
                       const Environment& environment) {
  return FileReader(bytes, file_name, environment).read();
}

}  // namespace workflow::client
