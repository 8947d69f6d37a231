#include "apps/workflow/why.h"

#include <algorithm>
#include <cmath>

#include "apps/workflow/sweep_view.h"
#include "apps/workflow/why_next.h"
#include "common/text.h"
#include "fsm/run_machine.h"

namespace workflow::app {
namespace {

constexpr std::size_t told_at = 12;  ///< the column in which texts begin

/// What happened and when (RFC 3339, as records have it); lines below a first one belong to it.
struct Told {
  std::string at;
  std::vector<std::string> lines;
};

std::string short_sha(const std::string& sha) {
  // `COMMIT-dirty-HASH` keeps what stands behind the commit.
  const std::size_t dash = sha.find('-');
  return sha.substr(0, std::min<std::size_t>(dash, 10)) +
         (dash == std::string::npos ? "" : sha.substr(dash, 16));
}

/// ` on 2026-01-31 UTC`.
std::string day(const std::string& at) {
  return at.size() < 10 ? std::string() : " on " + at.substr(0, 10) + " UTC";
}

std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::vector<std::string> words_of(const Json& list) {
  std::vector<std::string> words;
  for (const auto& word : list) words.push_back(word.is_string() ? word.get<std::string>() : "?");
  return words;
}

Told started(const Json& summary, int number) {
  const std::string at = text_at(summary, "started_at");
  const auto gpus = words_of(member(summary, "gpus"));
  return {at,
          {"attempt " + std::to_string(number) + " started" + day(at) +
           (gpus.empty() ? "" : " on GPUs " + join(gpus, ",")) + "; process " +
           std::to_string(number_at(summary, "pid"))}};
}

/// The line of the log that decided, and what else proves it.
std::vector<std::string> evidence_of(const Json& summary) {
  const Json& failure = member(summary, "failure");
  std::vector<std::string> lines;
  const std::string aside = text_at(summary, "aside");
  if (const std::string line = text_at(failure, "line"); !line.empty()) {
    lines.push_back("\"" + line + "\" (" + (aside.empty() ? "" : aside + "/") +
                    "stdout.log:" + std::to_string(number_at(failure, "line_number")) + ", byte " +
                    grouped(number_at(failure, "offset")) + ")");
  }
  const Json& evidence = member(failure, "evidence");
  if (evidence.is_string()) lines.push_back(evidence.get<std::string>());
  for (const auto& proof : evidence.is_array() ? evidence : Json::array()) {
    lines.push_back(proof.is_string() ? proof.get<std::string>() : dump_json(proof));
  }
  return lines;
}

std::string ending(const Json& summary) {
  std::string end = text_at(summary, "state");
  if (member(summary, "exit_code").is_number()) {
    end += ", exit " + std::to_string(number_at(summary, "exit_code"));
  }
  if (const auto signal = text_at(summary, "signal"); !signal.empty()) end += ", signal " + signal;
  if (const Json& seconds = member(summary, "seconds"); seconds.is_number()) {
    end += " after " + human_duration(std::llround(seconds.get<double>()));
  }
  if (const auto reason = text_at(summary, "reason"); !reason.empty()) end += "; " + reason;
  return end;
}

void tell_attempt(const Json& summary, int number, std::vector<Told>& story) {
  if (text_at(summary, "started_at").empty()) return;
  story.push_back(started(summary, number));
  const std::string at = text_at(summary, "ended_at");
  auto proof = evidence_of(summary);
  if (at.empty()) {
    if (!proof.empty()) story.push_back({"", std::move(proof)});
    return;
  }
  proof.insert(proof.begin(), ending(summary));
  story.push_back({at, std::move(proof)});
}

/// What the executor decided. That a run started, and that it ended so, stands there as its
/// attempt already.
void tell_decisions(const Json& said, std::vector<Told>& story) {
  for (const auto& line : said) {
    const std::string text = text_at(line, "text");
    const bool plain_end =
        text.find("; ") == std::string::npos && fsm::run_state_from(text.substr(0, text.find(' ')));
    if (text.starts_with("started") || plain_end) continue;
    story.push_back({text_at(line, "at"), {"executor: " + text}});
  }
}

/// `run-stop asked by ana@laptop: completed`.
std::string operation_text(const Json& operation) {
  std::string text = text_at(operation, "kind");
  if (const auto by = text_at(operation, "by"); !by.empty()) text += " asked by " + by;
  text += ": " + text_at(operation, "state");
  if (const auto reason = text_at(operation, "reason"); !reason.empty()) text += ", " + reason;
  if (const auto made = text_at(member(operation, "result"), "run_id"); !made.empty()) {
    text += " → " + made;
  }
  return text;
}

std::vector<Told> story_of(const Json& data) {
  std::vector<Told> story;
  int number = 0;
  for (const auto& attempt : member(data, "earlier_attempts")) {
    tell_attempt(attempt, ++number, story);
  }
  const Json& summary = member(data, "summary");
  const Json& latest = summary.is_object() ? summary : member(data, "status");
  if (latest.is_object()) tell_attempt(latest, ++number, story);
  tell_decisions(member(data, "said"), story);
  for (const auto& operation : member(data, "operations")) {
    const std::string at = text_at(operation, "finished_at", text_at(operation, "created_at"));
    story.push_back({at, {operation_text(operation)}});
  }
  std::stable_sort(story.begin(), story.end(),
                   [](const Told& a, const Told& b) { return a.at < b.at; });
  return story;
}

std::string labelled(const std::string& label, const std::string& text) {
  return padded(label, told_at) + text;
}

/// `config/a.py, seed 1, lr=0.003`, and where it comes from.
std::string row_line(const Json& data) {
  const Json& values = member(data, "values");
  std::vector<std::string> parts;
  if (const auto config = text_at(values, "config"); !config.empty()) parts.push_back(config);
  parts.push_back("seed " + std::to_string(number_at(values, "seed")));
  if (const auto overrides = text_at(values, "overrides"); !overrides.empty()) {
    parts.push_back(overrides);
  }
  for (const auto& entry : words_of(member(values, "env"))) parts.push_back(entry);
  std::string text = join(parts, ", ");
  if (const auto line = number_at(values, "line"); line > 0) {
    text +=
        "   (" + text_at(member(data, "campaign"), "manifest") + ":" + std::to_string(line) + ")";
  }
  return text;
}

std::string change_text(const Json& change) {
  const std::string what = text_at(change, "what");
  const auto value = [&](const char* key) {
    const Json& json = member(change, key);
    if (!json.is_string()) return json.is_null() ? std::string("unknown") : dump_json(json);
    const std::string text = json.get<std::string>();
    if (what == "git_sha") return text.empty() ? "unknown" : short_sha(text);
    return "'" + text + "'";
  };
  if (!change.contains("from")) return what;
  return (what == "git_sha" ? "the code" : what) + " " + value("from") + " → " + value("to");
}

/// What became of the same id before: why it was skipped, or run again.
std::vector<std::string> before_lines(const Json& data) {
  std::vector<std::string> lines;
  const bool skipped = flag_at(member(data, "row"), "skipped");
  for (const auto& earlier : member(data, "before")) {
    std::vector<std::string> changes;
    for (const auto& change : member(earlier, "changed")) changes.push_back(change_text(change));
    const std::string where = text_at(earlier, "where");
    lines.push_back(labelled("before", text_at(earlier, "state") + " in campaign " +
                                           text_at(earlier, "campaign_id") +
                                           (where.empty() ? "" : " (" + where + ")")));
    lines.push_back(labelled("", changes.empty() ? "nothing has changed since"
                                                 : "changed since: " + join(changes, ", ")));
    if (skipped) break;
  }
  if (skipped) {
    lines.push_back(labelled("",
                             "a row that ended well is kept; sweep-start --redo-changed runs it "
                             "again when its code changed"));
  }
  return lines;
}

std::string first_line(const Json& data) {
  const std::string state = text_at(data, "state");
  const Json& row = member(data, "row");
  const Json& summary = member(data, "summary");
  Json shown = summary.is_object() ? summary : member(data, "status");
  if (row.is_object() && (!shown.is_object() || state == "pending")) shown = row;
  shown["state"] = state;
  std::string text = text_at(data, "run_id") + " " + state;
  if (flag_at(row, "skipped")) return text + ": it ended well before this sweep";
  const std::string why = why_text(shown);
  const std::string cls = text_at(member(shown, "failure"), "class");
  if (!why.empty()) return text + ": " + why;
  return cls.empty() || state == "success" || state == "pending" ? text : text + ": " + cls;
}

}  // namespace

std::vector<std::string> why_lines(const Json& data) {
  std::vector<std::string> lines{first_line(data)};
  if (member(data, "values").is_object()) lines.push_back(labelled("row", row_line(data)));
  const Json& origin = member(member(data, "row"), "origin");
  if (const auto parent = text_at(origin, "parent"); !parent.empty()) {
    lines.push_back(labelled(
        "parent", parent + (flag_at(origin, "warm_start") ? ", from its checkpoint" : "")));
  }
  const Json& health = member(member(data, "row"), "health");
  if (const auto reason = text_at(health, "reason"); !reason.empty()) {
    lines.push_back(labelled("health", reason));
  }
  for (const Told& told : story_of(data)) {
    const std::string time = told.at.size() < 19 ? std::string() : told.at.substr(11, 8);
    for (std::size_t i = 0; i < told.lines.size(); ++i) {
      lines.push_back(labelled(i == 0 ? time : "", told.lines[i]));
    }
  }
  for (auto& line : before_lines(data)) lines.push_back(std::move(line));
  if (const std::string fault = text_at(data, "fault"); !fault.empty()) {
    lines.push_back(labelled("unknown", "its row: " + fault));
  }
  for (auto& line : waiting_lines(data)) lines.push_back(labelled("waits", line));
  if (member(data, "status").is_object()) {
    lines.push_back(labelled("all of it", text_at(data, "dir")));
  }
  return lines;
}

Outcome why(Context& context) {
  Outcome outcome{client::run_show(context.session(), context.args().positional("run"))};
  Output& out = context.out();
  for (const auto& line : why_lines(outcome.data)) {
    const std::size_t width = out.terminal() ? terminal_width() : std::string::npos;
    for (const auto& part : wrapped(line, width, told_at)) out.line(part);
  }
  for (const auto& next : next_commands(outcome.data)) out.note(next);
  return outcome;
}

}  // namespace workflow::app
