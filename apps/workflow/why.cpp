#include "apps/workflow/why.h"

#include <cmath>

#include "apps/workflow/sweep_view.h"
#include "common/text.h"

namespace workflow::app {
namespace {

std::string clock_time(const Json& object, const char* key) {
  const std::string text = text_at(object, key);
  return text.size() < 19 ? std::string(8, ' ') : text.substr(11, 8);
}

/// ` on 2026-01-31 UTC`.
std::string day(const Json& object, const char* key) {
  const std::string text = text_at(object, key);
  return text.size() < 10 ? std::string() : " on " + text.substr(0, 10) + " UTC";
}

/// Below the run's directory.
std::string log_of(const Json& summary) {
  const std::string aside = text_at(summary, "aside");
  return (aside.empty() ? "" : aside + "/") + "stdout.log";
}

void tell_attempt(Output& out, const Json& summary, int number) {
  const Json& gpus = member(summary, "gpus");
  std::vector<std::string> names;
  for (const auto& gpu : gpus) names.push_back(gpu.is_string() ? gpu.get<std::string>() : "?");
  out.fitted(clock_time(summary, "started_at") + "  attempt " + std::to_string(number) +
             " started" + day(summary, "started_at") +
             (names.empty() ? "" : " on GPUs " + join(names, ",")) + "; process " +
             std::to_string(number_at(summary, "pid")));
  const Json& failure = member(summary, "failure");
  if (const std::string line = text_at(failure, "line"); !line.empty()) {
    out.fitted("          \"" + line + "\" (" + log_of(summary) + ":" +
               std::to_string(number_at(failure, "line_number")) + ", byte " +
               std::to_string(number_at(failure, "offset")) + ")");
  }
  if (const std::string proof = text_at(failure, "evidence"); !proof.empty()) {
    out.fitted("          " + proof);
  }
  std::string end = text_at(summary, "state");
  if (member(summary, "exit_code").is_number()) {
    end += ", exit " + std::to_string(number_at(summary, "exit_code"));
  }
  if (const auto signal = text_at(summary, "signal"); !signal.empty()) end += ", signal " + signal;
  if (const Json& seconds = member(summary, "seconds"); seconds.is_number()) {
    end += " after " + human_duration(std::llround(seconds.get<double>()));
  }
  if (const auto reason = text_at(summary, "reason"); !reason.empty()) end += "; " + reason;
  if (!text_at(summary, "ended_at").empty())
    out.fitted(clock_time(summary, "ended_at") + "  " + end);
}

}  // namespace

Outcome why(Context& context) {
  const std::string id = context.args().positional("run");
  Outcome outcome{client::run_show(context.session(), id)};
  Output& out = context.out();
  const std::string state = text_at(outcome.data, "state");
  const Json& summary = member(outcome.data, "summary");
  const Json& latest = summary.is_object() ? summary : member(outcome.data, "status");
  const std::string cls = text_at(member(summary, "failure"), "class");
  Json shown = latest;
  shown["state"] = state;
  std::string first = id + " " + state;
  if (!cls.empty()) first += ": " + (why_text(shown).empty() ? cls : why_text(shown));
  out.fitted(first);
  int number = 0;
  for (const auto& attempt : member(outcome.data, "earlier_attempts"))
    tell_attempt(out, attempt, ++number);
  tell_attempt(out, latest, ++number);
  out.line("all of it   " + text_at(outcome.data, "dir"));
  if (state != "success") out.note("its log: workflow run-logs " + id);
  return outcome;
}

}  // namespace workflow::app
