#include "apps/workflow/task_view.h"

#include "common/clock.h"
#include "common/text.h"

namespace workflow::app {
namespace {

std::int64_t seconds_between(const Json& data, const char* from, const char* to) {
  const auto begin = parse_utc(text_at(data, from));
  const auto end = parse_utc(text_at(data, to));
  return begin && end ? (*end - *begin) / 1000 : 0;
}

}  // namespace

std::string ending(const Json& data) {
  std::string text = text_at(data, "state");
  std::vector<std::string> parts;
  if (member(data, "exit_code").is_number() && text != "success") {
    parts.push_back("exit " + std::to_string(number_at(data, "exit_code")));
  }
  if (const auto signal = text_at(data, "signal"); !signal.empty())
    parts.push_back("signal " + signal);
  if (const auto reason = text_at(data, "reason"); !reason.empty()) parts.push_back(reason);
  if (!parts.empty()) text += ": " + join(parts, "; ");
  if (!text_at(data, "ended_at").empty() && !text_at(data, "started_at").empty()) {
    text += " after " + human_duration(seconds_between(data, "started_at", "ended_at"));
  }
  return text;
}

void show_task(Output& out, const std::string& id, const Json& data) {
  const std::string state = text_at(data, "state");
  const bool running = state == "running" || state == "pending";
  std::string first = id + "   " + (running ? state : ending(data));
  if (running && !flag_at(data, "supervised", true))
    first += " (its supervisor is gone; exit status will be unknown)";
  if (text_at(data, "certainty") == "unknown") {
    first += "   unknown: it runs on " + text_at(data, "host") + ", which cannot be seen from here";
  }
  out.line(first);
  out.line("log      " + text_at(data, "stdout_log"));
  if (const std::string tail = text_at(data, "tail"); !tail.empty()) {
    out.line("");
    out.line(std::string_view(tail).substr(0, tail.size() - (tail.back() == '\n' ? 1 : 0)));
  }
}

void show_tasks(Output& out, const Json& tasks) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& task : tasks) {
    const Json& code = member(task, "exit_code");
    rows.push_back({text_at(task, "task_id"), text_at(task, "state"),
                    out.time(text_at(task, "started_at", "–")),
                    out.time(text_at(task, "ended_at", "–")),
                    code.is_number() ? code.dump() : text_at(task, "signal", "–")});
  }
  if (rows.empty()) return out.line("no tasks yet");
  out.rows({"task", "state", "started", "ended", "exit"}, std::move(rows));
}

}  // namespace workflow::app
