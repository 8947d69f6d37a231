#include "apps/workflow/watch_lines.h"

#include <algorithm>
#include <cmath>

#include "apps/workflow/printable.h"
#include "apps/workflow/sparkline.h"
#include "apps/workflow/sweep_view.h"
#include "apps/workflow/watch_head.h"
#include "common/clock.h"
#include "common/text.h"
#include "sweep/curves.h"

namespace workflow::app {
namespace {

constexpr std::size_t spark_width = 12;

Paint paint_of(const std::string& state) {
  if (state == "success") return Paint::green;
  if (state == "running") return Paint::bold;
  if (state == "pending" || state == "deleted") return Paint::dim;
  return Paint::red;
}

std::string step_text(const Json& metrics) {
  if (!member(metrics, "step").is_number()) return "";
  std::string text = std::to_string(number_at(metrics, "step"));
  if (member(metrics, "total_steps").is_number()) {
    text += "/" + std::to_string(number_at(metrics, "total_steps"));
  }
  return text;
}

std::string time_text(const Json& run, std::int64_t now_ms) {
  if (const Json& seconds = member(run, "seconds"); seconds.is_number()) {
    return short_duration(std::llround(seconds.get<double>()));
  }
  const auto since = parse_utc(text_at(run, "started_at"));
  if (!since || text_at(run, "state") != "running") return "";
  return short_duration((now_ms - *since) / 1000);
}

/// What is worth saying beside the figures.
std::string note_text(const Json& run) {
  const Json& health = member(run, "health");
  if (const std::string reason = text_at(health, "reason");
      text_at(run, "state") == "running" && !reason.empty()) {
    return reason;
  }
  return why_text(run);
}

std::vector<std::string> cells_of(const Json& run, std::int64_t now_ms) {
  const Json& metrics = member(run, "metrics");
  const std::string key = sweep::loss_like(metrics);
  const Json& curve = member(run, "curve");
  const std::string state = text_at(run, "state");
  return {text_at(run, "run_id"),
          painted(paint_of(state), state),
          step_text(metrics),
          key.empty() ? "" : metric_text(member(metrics, key)),
          sparkline(member(curve, "values"), spark_width),
          time_text(run, now_ms),
          note_text(run)};
}

/// What the metric of most rows is called.
std::string metric_heading(const WatchModel& model) {
  for (const std::size_t i : model.order()) {
    const std::string key = sweep::loss_like(member(model.sweep().runs()[i], "metrics"));
    if (!key.empty()) return clipped(key, 12);
  }
  return "loss";
}

/// The part of the table with the cursor in it.
std::vector<std::string> table_lines(const WatchModel& model, std::size_t height,
                                     std::size_t columns, std::int64_t now_ms) {
  const auto& order = model.order();
  const std::size_t room = height > 1 ? height - 1 : 1;
  const std::size_t cursor = model.cursor();
  const std::size_t first = cursor < room ? 0 : cursor - room + 1;
  const std::size_t last = std::min(order.size(), first + room);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t at = first; at < last; ++at) {
    rows.push_back(cells_of(model.sweep().runs()[order[at]], now_ms));
  }
  make_printable(rows);
  const std::vector<std::string> headings{"run", "state", "step", metric_heading(model),
                                          "",    "time",  "note"};
  // The note is cut, and after it a long name.
  for (auto& row : rows) row[0] = clipped(row[0], std::max<std::size_t>(12, columns / 3));
  auto lines = table(headings, rows, {false, false, true, true, false, true});
  lines[0] = painted(Paint::dim, lines[0]);
  if (!order.empty() && cursor >= first && cursor - first + 1 < lines.size()) {
    std::string& line = lines[cursor - first + 1];
    line = painted(Paint::reverse, padded(without_paint(line), columns));
  }
  if (order.empty()) lines.push_back("no row fits; esc shows all");
  lines.resize(height);
  return lines;
}

std::string log_title(const WatchModel& model, std::size_t columns) {
  std::string title = "── " + model.selected_id() + " · stdout.log ";
  while (text_width(title) < columns) title += "─";
  return painted(Paint::dim, title);
}

/// `height` lines of a log that end `back` lines before its end.
template <class Line>
std::vector<std::string> lines_before(std::size_t count, std::size_t back, std::size_t height,
                                      Line line) {
  const std::size_t most = count > height ? count - height : 0;
  const std::size_t end = count - std::min(back, most);
  const std::size_t begin = end > height ? end - height : 0;
  std::vector<std::string> out;
  for (std::size_t i = begin; i < end; ++i) out.push_back(printable(line(i), {.painted = true}));
  out.resize(height);
  return out;
}

std::vector<std::string> log_lines(const WatchModel& model, std::size_t height, std::size_t back) {
  const LogLines& log = model.log();
  auto lines = lines_before(log.size(), back, height, [&](std::size_t i) { return log.line(i); });
  if (log.size() == 0 && height > 0) lines[0] = painted(Paint::dim, "nothing in its log");
  return lines;
}

void append(std::vector<std::string>& to, std::vector<std::string> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::vector<std::string> table_page(const WatchModel& model, Size size, Now now) {
  std::vector<std::string> lines = head_lines(model, size, now);
  const std::size_t used = lines.size() + 1;
  const std::size_t room = size.rows > used ? size.rows - used : 1;
  const std::size_t log_room = room >= 12 ? std::clamp<std::size_t>(room / 3, 4, 14) : 0;
  append(lines, table_lines(model, room - log_room, size.columns, now.wall_ms));
  if (log_room > 0) {
    lines.push_back(log_title(model, size.columns));
    append(lines, log_lines(model, log_room - 1, 0));
  }
  lines.push_back(key_line(model));
  return lines;
}

std::vector<std::string> pager_page(const WatchModel& model, Size size) {
  const bool log = model.page() == WatchModel::Page::log;
  const std::string name = log ? model.selected_id() + " · stdout.log" : model.text_title();
  const std::size_t height = size.rows > 2 ? size.rows - 2 : 1;
  std::vector<std::string> lines{painted(Paint::bold, name)};
  if (log) {
    append(lines, log_lines(model, height, model.back()));
  } else {
    append(lines, lines_before(model.text().size(), model.back(), height,
                               [&](std::size_t i) { return model.text()[i]; }));
  }
  lines.push_back(key_line(model));
  return lines;
}

}  // namespace

std::string short_duration(std::int64_t seconds) {
  if (seconds < 0) return "";
  if (seconds < 100) return std::to_string(seconds) + " s";
  if (seconds < 100 * 60) return std::to_string(seconds / 60) + " min";
  const double hours = static_cast<double>(seconds) / 3600;
  const auto tenths = [](double value, const char* unit) {
    const auto n = std::llround(value * 10);
    return std::to_string(n / 10) + "." + std::to_string(n % 10) + unit;
  };
  return hours < 48 ? tenths(hours, " h") : tenths(hours / 24, " d");
}

std::vector<std::string> watch_lines(const WatchModel& model, Size size, Now now) {
  std::vector<std::string> lines;
  switch (model.page()) {
    case WatchModel::Page::table:
      lines = table_page(model, size, now);
      break;
    case WatchModel::Page::log:
    case WatchModel::Page::text:
      lines = pager_page(model, size);
      break;
    case WatchModel::Page::help:
      lines = help_lines();
      lines.resize(size.rows > 1 ? size.rows - 1 : 1);
      lines.push_back(key_line(model));
      break;
  }
  if (lines.size() > size.rows)
    lines.erase(lines.begin() + 1,
                lines.begin() + 1 + static_cast<std::ptrdiff_t>(lines.size() - size.rows));
  for (auto& line : lines) line = clipped(line, size.columns);
  return lines;
}

}  // namespace workflow::app
