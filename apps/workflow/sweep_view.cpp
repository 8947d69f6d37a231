#include "apps/workflow/sweep_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "common/clock.h"
#include "common/text.h"

namespace workflow::app {
namespace {

std::string loss_text(const Json& run) {
  const Json& metrics = member(run, "metrics");
  const Json& loss = member(metrics, "loss");
  if (metrics.is_object() && metrics.contains("loss") && loss.is_null()) return "nan";
  if (!loss.is_number()) return "–";
  std::array<char, 32> text{};
  const double value = loss.get<double>();
  const bool plain = std::abs(value) >= 0.001 && std::abs(value) < 100000;
  std::snprintf(text.data(), text.size(), plain ? "%.3f" : "%.2e", value);
  return text.data();
}

std::string time_text(const Json& run) {
  if (member(run, "seconds").is_number()) {
    return human_duration(
        static_cast<std::int64_t>(std::llround(member(run, "seconds").get<double>())));
  }
  const auto since = parse_utc(text_at(run, "started_at"));
  if (!since || text_at(run, "state") != "running") return "–";
  return human_duration((system_clock().now_ms() - *since) / 1000);
}

Paint paint_of(const std::string& state) {
  if (state == "success") return Paint::green;
  if (state == "running") return Paint::bold;
  if (state == "pending") return Paint::dim;
  return Paint::red;
}

std::int64_t ended(const Json& counts) {
  return number_at(counts, "total") - number_at(counts, "pending") - number_at(counts, "running");
}

/// The row to talk about: the first that runs.
const Json* running_row(const Json& status) {
  for (const auto& run : member(status, "runs")) {
    if (text_at(run, "state") == "running") return &run;
  }
  return nullptr;
}

}  // namespace

std::int64_t not_ok(const Json& counts) {
  std::int64_t sum = 0;
  for (const char* key : {"failed", "timed_out", "cancelled", "stopped", "lost"}) {
    sum += number_at(counts, key);
  }
  return sum;
}

std::string counts_text(const Json& counts) {
  const std::int64_t skipped = number_at(counts, "skipped");
  std::string text = std::to_string(number_at(counts, "success") + skipped) + " ok";
  if (skipped > 0) text += " (" + std::to_string(skipped) + " from before)";
  if (const auto bad = not_ok(counts); bad > 0) text += ", " + std::to_string(bad) + " not";
  for (const char* key : {"running", "pending"}) {
    if (const auto n = number_at(counts, key); n > 0) text += ", " + std::to_string(n) + " " + key;
  }
  return text;
}

std::string progress_text(const Json& status) {
  const Json& counts = member(status, "counts");
  std::string text =
      std::to_string(ended(counts)) + "/" + std::to_string(number_at(counts, "total"));
  if (const Json* run = running_row(status)) {
    text += "  " + text_at(*run, "run_id");
    const Json& metrics = member(*run, "metrics");
    if (member(metrics, "step").is_number()) {
      text += "  step " + std::to_string(number_at(metrics, "step"));
      if (member(metrics, "total_steps").is_number()) {
        text += "/" + std::to_string(number_at(metrics, "total_steps"));
      }
    }
    if (const std::string loss = loss_text(*run); loss != "–") text += "  loss " + loss;
  }
  if (const Json& eta = member(status, "eta_secs");
      eta.is_number() && eta.get<std::int64_t>() > 0) {
    text += "  eta " + human_duration(eta.get<std::int64_t>());
  }
  return text;
}

std::string progress_bar(const Json& status, std::size_t width) {
  const Json& counts = member(status, "counts");
  const std::string text = progress_text(status);
  const auto total = static_cast<std::size_t>(std::max<long long>(1, number_at(counts, "total")));
  const std::size_t room = width > text_width(text) + 12 ? width - text_width(text) - 4 : 10;
  const std::size_t bar = std::min<std::size_t>(30, room);
  const std::size_t full = bar * static_cast<std::size_t>(ended(counts)) / total;
  std::string line;
  for (std::size_t i = 0; i < bar; ++i) line += i < full ? "█" : "░";
  return line + "  " + text;
}

std::string why_text(const Json& run) {
  const std::string state = text_at(run, "state");
  if (state == "success" || state == "pending" || state == "running") {
    if (flag_at(run, "skipped")) return "ended well before this sweep";
    if (state == "running" && text_at(run, "certainty") == "unknown")
      return text_at(run, "reason", "cannot be seen from here");
    if (state == "running" && !flag_at(run, "supervised", true)) return "its supervisor is gone";
    if (const auto ill = text_at(member(run, "health"), "reason"); !ill.empty()) return ill;
    return number_at(run, "attempt") > 1 ? "attempt " + std::to_string(number_at(run, "attempt"))
                                         : "";
  }
  const Json& failure = member(run, "failure");
  const std::string cls = text_at(failure, "class");
  const std::string reason = text_at(run, "reason");
  if (state == "timed_out" || state == "stopped" || state == "cancelled" || state == "lost")
    return reason;
  std::string line = text_at(failure, "line");
  if (const auto colon = line.find(": "); cls == "import" && colon != std::string::npos)
    line.erase(0, colon + 2);
  if (!line.empty()) {
    std::string text = cls + ": " + line;
    if (const auto n = number_at(failure, "line_number"); n > 0) {
      text += " (stdout.log:" + std::to_string(n) + ")";
    }
    return text;
  }
  if (const std::string proof = text_at(failure, "evidence"); !proof.empty()) {
    return cls + ": " + proof;
  }
  if (!reason.empty()) return reason;
  if (const std::string signal = text_at(run, "signal"); !signal.empty()) return "signal " + signal;
  return "exit " + std::to_string(number_at(run, "exit_code"));
}

void show_runs(Output& out, const Json& runs) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& run : runs) {
    const std::string state = text_at(run, "state");
    rows.push_back({text_at(run, "run_id"), out.paint(paint_of(state), state), loss_text(run),
                    time_text(run), why_text(run)});
  }
  make_printable(rows);
  out.line("");
  for (const auto& line :
       table({"run", "state", "loss", "time", "why"}, rows, {false, false, true, true})) {
    out.fitted(line);
  }
}

std::vector<std::string> hindrances(const Json& executor) {
  std::vector<std::string> lines;
  if (const auto why = text_at(executor, "paused"); !why.empty()) {
    lines.push_back("nothing starts now: " + why);
  }
  for (const auto& gpu : member(executor, "left_out")) {
    if (gpu.is_string()) lines.push_back("left out: " + gpu.get<std::string>());
  }
  return lines;
}

}  // namespace workflow::app
