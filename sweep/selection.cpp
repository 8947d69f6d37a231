#include "sweep/selection.h"

#include <regex.h>

#include <array>
#include <memory>

#include "common/error.h"
#include "common/text.h"

namespace workflow::sweep {
namespace {

/// POSIX extended regular expressions of the C library: <regex> would make the agent a tenth
/// bigger.
class Matcher {
 public:
  explicit Matcher(const std::string& match) : text_(match) {
    if (match.size() < 2 || match.front() != '/' || match.back() != '/') return;
    const std::string pattern = with_digits(match.substr(1, match.size() - 2));
    auto compiled = std::make_unique<regex_t>();
    const int fault = ::regcomp(compiled.get(), pattern.c_str(), REG_EXTENDED | REG_NOSUB);
    if (fault != 0) refuse(fault, *compiled);
    regex_ = {compiled.release(), [](regex_t* regex) {
                ::regfree(regex);
                delete regex;
              }};
  }

  [[nodiscard]] bool operator()(const std::string& id) const {
    if (!regex_) return id.find(text_) != std::string::npos;
    return ::regexec(regex_.get(), id.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  /// `\d` as people write it; POSIX has no such class and would read a plain d.
  static std::string with_digits(const std::string& pattern) {
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const bool escape = pattern[i] == '\\' && i + 1 < pattern.size();
      if (escape && pattern[i + 1] == 'd') {
        out += "[0-9]";
      } else {
        out += escape ? pattern.substr(i, 2) : pattern.substr(i, 1);
      }
      i += escape ? 1 : 0;
    }
    return out;
  }

  [[noreturn]] void refuse(int fault, const regex_t& regex) const {
    std::array<char, 128> why{};
    ::regerror(fault, &regex, why.data(), why.size());
    throw Error(Code::usage,
                "SWEEP_MATCH '" + text_ + "' is not a regular expression: " + lower(why.data()),
                "without the slashes it is looked for as plain text");
  }

  std::string text_;
  std::shared_ptr<regex_t> regex_;
};

std::size_t first_row(const Manifest& manifest, const std::string& start_at) {
  if (start_at.empty()) return 0;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < manifest.rows.size(); ++i) {
    if (manifest.rows[i].run_id == start_at) return i;
    ids.push_back(manifest.rows[i].run_id);
  }
  const std::string near = nearest(start_at, ids);
  throw Error(Code::usage, "SWEEP_START_AT '" + start_at + "' is no run_id of the manifest",
              near.empty() ? "" : "did you mean '" + near + "'?");
}

[[noreturn]] void nothing_selected(const Manifest& manifest, const Selection& selection,
                                   const Matcher& matches) {
  std::size_t earlier = 0;
  for (const auto& row : manifest.rows) earlier += matches(row.run_id) ? 1 : 0;
  const std::string rows = counted(static_cast<std::int64_t>(manifest.rows.size()), "row");
  if (manifest.rows.empty()) throw Error(Code::usage, "no row is selected: the manifest has none");
  const std::string which = earlier == 0
                                ? "none of " + rows
                                : std::to_string(earlier) + " of " + rows +
                                      ", all before SWEEP_START_AT '" + selection.start_at + "'";
  throw Error(Code::usage,
              "no row is selected: SWEEP_MATCH '" + selection.match + "' matches " + which,
              "a part of a run_id matches, or a regex between slashes");
}

}  // namespace

std::vector<std::size_t> select_rows(const Manifest& manifest, const Selection& selection) {
  if (selection.limit < 0) {
    throw Error(Code::usage, "SWEEP_LIMIT " + std::to_string(selection.limit) + " is negative",
                "0 or nothing selects all rows");
  }
  const Matcher matches(selection.match);
  std::vector<std::size_t> selected;
  for (std::size_t i = first_row(manifest, selection.start_at); i < manifest.rows.size(); ++i) {
    if (!matches(manifest.rows[i].run_id)) continue;
    selected.push_back(i);
    if (static_cast<std::int64_t>(selected.size()) == selection.limit) break;
  }
  if (selected.empty()) nothing_selected(manifest, selection, matches);
  return selected;
}

}  // namespace workflow::sweep
