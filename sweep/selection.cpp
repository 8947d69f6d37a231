#include "sweep/selection.h"

#include <optional>
#include <regex>

#include "common/error.h"
#include "common/text.h"

namespace workflow::sweep {
namespace {

class Matcher {
 public:
  explicit Matcher(const std::string& match) : text_(match) {
    if (match.size() < 2 || match.front() != '/' || match.back() != '/') return;
    try {
      regex_.emplace(match.substr(1, match.size() - 2), std::regex::ECMAScript);
    } catch (const std::regex_error& fault) {
      refuse(fault);
    }
  }

  [[nodiscard]] bool operator()(const std::string& id) const {
    if (!regex_) return id.find(text_) != std::string::npos;
    try {
      return std::regex_search(id, *regex_);
    } catch (const std::regex_error& fault) {  // it can also give up while it searches
      refuse(fault);
    }
  }

 private:
  [[noreturn]] void refuse(const std::regex_error& fault) const {
    throw Error(Code::usage,
                "SWEEP_MATCH '" + text_ + "' is not a regular expression: " + fault.what(),
                "without the slashes it is looked for as plain text");
  }

  std::string text_;
  std::optional<std::regex> regex_;
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
  const std::string rows =
      std::to_string(manifest.rows.size()) + (manifest.rows.size() == 1 ? " row" : " rows");
  if (manifest.rows.empty()) throw Error(Code::usage, "no row is selected: the manifest has none");
  std::string what = "no row is selected: SWEEP_MATCH '" + selection.match + "' matches ";
  what += earlier == 0 ? "none of " + rows
                       : std::to_string(earlier) + " of " + rows + ", all before SWEEP_START_AT '" +
                             selection.start_at + "'";
  throw Error(Code::usage, what, "a part of a run_id matches, or a regex between slashes");
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
