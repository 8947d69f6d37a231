#include "apps/workflow/watch_head.h"

#include <algorithm>
#include <array>

#include "apps/workflow/printable.h"
#include "apps/workflow/sweep_view.h"
#include "common/text.h"

namespace workflow::app {
namespace {

constexpr std::size_t most_gpu_lines = 2;

struct Binding {
  const char* keys;
  const char* brief;  ///< in the last line of the table; empty: only in the help
  const char* help;
};

constexpr Binding bindings[] = {
    {"j k ↑ ↓", "j/k", "the next or previous run; space, page and g G for more"},
    {"l enter", "l log", "the run's log, followed"},
    {"s", "s stop", "ends the run; run-resume goes on with it"},
    {"c", "c clone", "a new row with the same values but some: key=value …"},
    {"w", "w why", "what became of the run, and what proves it"},
    {"f", "f failed", "only runs that ended badly, and all again"},
    {"/", "/ filter", "only runs whose name has this; esc shows all again"},
    {"q ^C", "q leave", "leaves the view; the sweep goes on"},
    {"?", "? help", "this page"},
};

/// `as of 5 s ago` once it is no longer of now; `reconnecting… ` while nothing is heard at all.
std::string age_text(const WatchModel& model, std::int64_t steady_ms) {
  const std::int64_t age = std::max<std::int64_t>(0, (steady_ms - model.heard_ms()) / 1000);
  const std::string seen = "as of " + human_duration(age) + " ago";
  if (!model.connection().empty()) return painted(Paint::red, model.connection() + " " + seen);
  if (model.ended()) return "ended";
  return age < 3 ? "live" : painted(Paint::yellow, seen);
}

std::string first_line(const WatchModel& model, Size size, Now now) {
  const Json& head = model.sweep().head();
  const std::string state = text_at(head, "state");
  std::string left = "campaign " + text_at(member(head, "campaign"), "id") + "   " + state;
  const std::string executor = text_at(member(head, "executor"), "state");
  if (executor == "gone" && !model.ended()) left += " " + painted(Paint::red, "executor gone");
  if (executor == "unknown") left += " executor cannot be seen from here";
  if (!text_at(member(head, "executor"), "paused").empty()) {
    left += " " + painted(Paint::red, "paused: " + text_at(member(head, "executor"), "paused"));
  }
  const std::string right = age_text(model, now.steady_ms);
  const std::size_t width = text_width(right);
  if (size.columns <= width + 2) return left;
  return padded(clipped(left, size.columns - width - 2), size.columns - width) + right;
}

std::string progress_line(const WatchModel& model, Size size, Now now) {
  const Json& head = model.sweep().head();
  const Json& counts = member(head, "counts");
  const auto total = std::max<std::int64_t>(1, number_at(counts, "total"));
  const auto left = number_at(counts, "pending") + number_at(counts, "running");
  const auto ended = number_at(counts, "total") - left;
  std::string text = std::to_string(ended) + "/" + std::to_string(number_at(counts, "total")) +
                     "  " + counts_text(counts);
  if (const Json& eta = member(head, "eta_secs"); eta.is_number() && eta.get<std::int64_t>() > 0) {
    text += "  eta " + short_duration(eta.get<std::int64_t>());
  }
  if (model.bill()) text += "  " + client::bill_text(*model.bill(), now.wall_ms);
  const std::size_t width = std::clamp<std::size_t>(
      size.columns > text_width(text) + 2 ? size.columns - text_width(text) - 2 : 0, 8, 30);
  const auto full = static_cast<std::size_t>(static_cast<std::int64_t>(width) * ended / total);
  std::string bar;
  for (std::size_t i = 0; i < width; ++i) bar += i < full ? "█" : "░";
  return bar + "  " + text;
}

/// How busy a GPU is; a `?` where that is not known.
std::string activity(const Json& gpu) {
  constexpr std::array<const char*, 5> heights{"▁", "▂", "▃", "▅", "▇"};
  const Json& busy = member(gpu, "busy");
  if (!busy.is_number()) return "";
  const auto part = std::clamp<std::int64_t>(busy.get<std::int64_t>(), 0, 100);
  return std::string(heights[static_cast<std::size_t>((part + 12) / 25)]) + " ";
}

/// Who holds each GPU, by the runs that go; of GPUs that the target lists, the free ones too.
std::vector<std::string> gpu_cells(const WatchModel& model) {
  std::map<std::string, std::vector<std::string>> holders;
  for (const Json& run : model.sweep().runs()) {
    if (text_at(run, "state") != "running") continue;
    for (const auto& gpu : member(run, "gpus")) {
      if (gpu.is_string()) holders[gpu.get<std::string>()].push_back(text_at(run, "run_id"));
    }
  }
  std::vector<std::string> cells;
  const auto cell = [&](const std::string& name, const std::string& id, const Json& gpu) {
    const auto held = holders.find(id);
    const std::string others = text_at(gpu, "others");
    const std::string who = held != holders.end() ? join(held->second, "+")
                            : !others.empty()     ? painted(Paint::yellow, others)
                                                  : painted(Paint::dim, "free");
    cells.push_back(printable(name, {}) + " " + activity(gpu) + who);
  };
  const Json& gpus = member(model.sweep().head(), "gpus");
  for (const auto& gpu : gpus) {
    cell(std::to_string(number_at(gpu, "index")), text_at(gpu, "id"), gpu);
    holders.erase(text_at(gpu, "id"));
  }
  if (!gpus.is_array()) {
    for (const auto& [id, runs] : holders) cell(id, id, Json());
  }
  return cells;
}

std::vector<std::string> gpu_lines(const WatchModel& model, std::size_t columns) {
  std::vector<std::string> lines;
  const auto cells = gpu_cells(model);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = clipped(cells[i], 24);
    const bool fits =
        !lines.empty() && text_width(lines.back()) + 3 + text_width(cell) <= columns - 5;
    if (fits) {
      lines.back() += "   " + cell;
    } else if (lines.size() < most_gpu_lines) {
      lines.push_back((lines.empty() ? "gpus  " : "      ") + cell);
    } else {
      lines.back() += " +" + std::to_string(cells.size() - i);
      break;
    }
  }
  return lines;
}

}  // namespace

std::vector<std::string> head_lines(const WatchModel& model, Size size, Now now) {
  std::vector<std::string> lines{first_line(model, size, now), progress_line(model, size, now)};
  for (auto& line : gpu_lines(model, size.columns)) lines.push_back(std::move(line));
  const std::string reason = text_at(model.sweep().head(), "reason");
  if (text_at(model.sweep().head(), "state") == "SWEEP_STALLED" && !reason.empty()) {
    lines.push_back(painted(Paint::red, "stalled: " + reason));
  }
  if (size.rows >= 20) lines.emplace_back();
  return lines;
}

std::string key_line(const WatchModel& model) {
  if (!model.message().empty()) return painted(Paint::yellow, model.message());
  if (model.typing() == WatchModel::Typing::filter) {
    return "filter: " + printable(model.filter(), {}) + "▏  enter keeps it, esc shows all";
  }
  if (model.typing() == WatchModel::Typing::answer) {
    return painted(Paint::yellow, "stop " + model.about() + "? y/n");
  }
  if (model.typing() == WatchModel::Typing::clone) {
    return "clone " + model.about() + " with: " + printable(model.typed(), {}) +
           "▏  key=value …, enter does it, esc leaves it";
  }
  if (model.page() == WatchModel::Page::help) return painted(Paint::dim, "q back");
  if (model.page() != WatchModel::Page::table) {
    const bool follows = model.page() == WatchModel::Page::log && model.back() == 0;
    const std::string end = model.ended() ? " · the sweep has ended" : "";
    return painted(Paint::dim, std::string(follows ? "follows · " : "") +
                                   "j/k space b move · g G ends · q back" + end);
  }
  std::string text;
  for (const Binding& binding : bindings) {
    if (*binding.brief != '\0') text += (text.empty() ? "" : " · ") + std::string(binding.brief);
  }
  if (!model.filter().empty()) text = "runs with '" + model.filter() + "' · " + text;
  if (model.failed_only()) text = "failed only · " + text;
  return painted(Paint::dim, text);
}

std::vector<std::string> help_lines() {
  std::vector<std::string> lines{painted(Paint::bold, "keys"), ""};
  for (const Binding& binding : bindings) {
    lines.push_back("  " + padded(binding.keys, 10) + binding.help);
  }
  lines.emplace_back();
  lines.emplace_back("  Running rows stand first, then those that ended badly, then the rest.");
  lines.emplace_back("  A line of ▁▂▃▅▇ is the run's loss since it began, ! where it was NaN.");
  return lines;
}

}  // namespace workflow::app
