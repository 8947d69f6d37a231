#include "sweep/selection.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

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

[[noreturn]] void refuse_unknown(const std::string& word, const std::string& id,
                                 const std::vector<std::string>& run_ids) {
  const std::string near = nearest(id, run_ids);
  throw Error(Code::usage, word + " '" + id + "' is no run_id of the manifest",
              near.empty() ? "" : "did you mean '" + near + "'?");
}

std::size_t first_row(const std::vector<std::string>& run_ids, const std::string& start_at) {
  if (start_at.empty()) return 0;
  const auto found = std::find(run_ids.begin(), run_ids.end(), start_at);
  if (found != run_ids.end()) return static_cast<std::size_t>(found - run_ids.begin());
  refuse_unknown("SWEEP_START_AT", start_at, run_ids);
}

/// The ids of `--only`, each of them one that is there.
std::set<std::string> named_rows(const std::vector<std::string>& run_ids,
                                 const std::vector<std::string>& only) {
  const std::set<std::string> there(run_ids.begin(), run_ids.end());
  for (const auto& id : only) {
    if (there.count(id) == 0) refuse_unknown("--only", id, run_ids);
  }
  return {only.begin(), only.end()};
}

[[noreturn]] void nothing_selected(const std::vector<std::string>& run_ids,
                                   const Selection& selection, const Matcher& matches) {
  if (run_ids.empty()) throw Error(Code::usage, "no row is selected: the manifest has none");
  if (!selection.only.empty()) {
    throw Error(Code::usage,
                "no row is selected: SWEEP_MATCH and SWEEP_START_AT leave none of the rows named",
                "unset them, or name other rows");
  }
  const auto earlier = std::count_if(run_ids.begin(), run_ids.end(), matches);
  const std::string rows = counted(static_cast<std::int64_t>(run_ids.size()), "row");
  const std::string which = earlier == 0
                                ? "none of " + rows
                                : std::to_string(earlier) + " of " + rows +
                                      ", all before SWEEP_START_AT '" + selection.start_at + "'";
  throw Error(Code::usage,
              "no row is selected: SWEEP_MATCH '" + selection.match + "' matches " + which,
              "a part of a run_id matches, or a regex between slashes");
}

}  // namespace

Json selection_json(const Selection& selection) {
  return {{"match", selection.match},
          {"start_at", selection.start_at},
          {"limit", selection.limit},
          {"only", selection.only},
          {"retry_failed", selection.retry_failed}};
}

Selection selection_from(const Json& json) {
  Selection selection{.match = text_at(json, "match"),
                      .start_at = text_at(json, "start_at"),
                      .limit = number_at(json, "limit"),
                      .retry_failed = flag_at(json, "retry_failed")};
  std::set<std::string> only;
  for (const auto& id : member(json, "only")) {
    if (id.is_string()) only.insert(id.get<std::string>());
  }
  selection.only.assign(only.begin(), only.end());
  return selection;
}

std::vector<std::size_t> select_rows(const std::vector<std::string>& run_ids,
                                     const Selection& selection) {
  if (selection.limit < 0) {
    throw Error(Code::usage, "SWEEP_LIMIT " + std::to_string(selection.limit) + " is negative",
                "0 or nothing selects all rows");
  }
  const Matcher matches(selection.match);
  const std::set<std::string> named = named_rows(run_ids, selection.only);
  std::vector<std::size_t> selected;
  for (std::size_t i = first_row(run_ids, selection.start_at); i < run_ids.size(); ++i) {
    if (!named.empty() && named.count(run_ids[i]) == 0) continue;
    if (!matches(run_ids[i])) continue;
    selected.push_back(i);
    if (static_cast<std::int64_t>(selected.size()) == selection.limit) break;
  }
  if (selected.empty()) nothing_selected(run_ids, selection, matches);
  return selected;
}

std::vector<std::size_t> select_rows(const Manifest& manifest, const Selection& selection) {
  std::vector<std::string> run_ids;
  for (const auto& row : manifest.rows) run_ids.push_back(row.run_id);
  return select_rows(run_ids, selection);
}

}  // namespace workflow::sweep
