#include "sweep/curves.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "common/text.h"
#include "sweep/run_metrics.h"
#include "tasks/store.h"

namespace workflow::sweep {
namespace {

constexpr std::size_t longest_line = 64U << 10U;  // metrics_object passes over longer ones
constexpr std::size_t longest_key = 100;
constexpr std::array no_metrics{"total_steps", "max_steps",  "time",    "timestamp",
                                "ts",          "_timestamp", "_runtime"};

template <class Names>
bool one_of(const Names& names, std::string_view key) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

/// What a log's line tells by patterns. Only what was drawn last counts of a progress bar.
Json object_by(const MetricPatterns& patterns, std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  if (const auto at = line.rfind('\r'); at != std::string_view::npos) line.remove_prefix(at + 1);
  Json object = Json::object();
  for (const auto& [key, value] : patterns.values(line)) {
    object[key] = std::isfinite(value) ? Json(value) : Json();
  }
  return object.empty() ? Json() : object;
}

}  // namespace

std::size_t Curve::most_groups() const {
  // A group of one point is one point, one of more may be three; the curve's last is told as well.
  return width_ == 1 ? most_points_ : (most_points_ - 1) / 3;
}

void Curve::add(double step, std::optional<double> value) {
  if (count_ % width_ == 0) {
    while (groups_.size() >= most_groups()) halve();
    if (count_ % width_ == 0) groups_.emplace_back();
  }
  Group& group = groups_.back();
  const Point point{count_, step, value.value_or(0)};
  last_ = point;
  last_is_gap_ = !value;
  count_ += 1;
  if (!value) {
    if (group.gap.order < 0) group.gap = point;
    return;
  }
  if (group.low.order < 0 || *value < group.low.value) group.low = point;
  if (group.high.order < 0 || *value > group.high.value) group.high = point;
}

void Curve::halve() {
  std::vector<Group> halved;
  for (std::size_t i = 0; i < groups_.size(); i += 2) {
    Group one = groups_[i];
    if (i + 1 < groups_.size()) {
      const Group& two = groups_[i + 1];
      if (one.gap.order < 0) one.gap = two.gap;
      if (one.low.order < 0 || (two.low.order >= 0 && two.low.value < one.low.value))
        one.low = two.low;
      if (one.high.order < 0 || (two.high.order >= 0 && two.high.value > one.high.value))
        one.high = two.high;
    }
    halved.push_back(one);
  }
  groups_ = std::move(halved);
  width_ *= 2;
}

Json Curve::json() const {
  Json out = Json::array();
  for (const Group& group : groups_) {
    std::vector<std::pair<std::int64_t, Json>> points;
    const auto tell = [&](const Point& point, const Json& value) {
      if (point.order >= 0) points.emplace_back(point.order, Json::array({point.step, value}));
    };
    tell(group.low, group.low.value);
    if (group.high.order != group.low.order) tell(group.high, group.high.value);
    tell(group.gap, nullptr);
    const bool told = last_.order == group.low.order || last_.order == group.high.order;
    if (&group == &groups_.back() && !told && !last_is_gap_) tell(last_, last_.value);
    std::sort(points.begin(), points.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [order, point] : points) out.push_back(std::move(point));
  }
  return out;
}

void Curves::take(const Json& object) {
  if (!object.is_object()) return;
  const double step = step_of(object).value_or(static_cast<double>(lines_));
  lines_ += 1;
  for (const auto& [key, value] : object.items()) {
    const bool number = value.is_number();
    if ((!number && !value.is_null()) || key.size() > longest_key) continue;
    auto found = keyed_.find(key);
    const bool drawn = !one_of(step_keys, key) && !one_of(no_metrics, key);
    if (found == keyed_.end() && drawn && keyed_.size() < limits_.keys) {
      found = keyed_.emplace(key, Keyed{Curve(limits_.points)}).first;
    }
    if (found == keyed_.end() && (drawn || !number)) continue;
    last_[key] = value;
    if (found == keyed_.end()) continue;
    found->second.curve.add(step, number ? std::optional(value.get<double>()) : std::nullopt);
    found->second.has_number = found->second.has_number || number;
  }
}

Json Curves::json() const {
  Json out = Json::object();
  for (const auto& [key, keyed] : keyed_) {
    if (keyed.has_number) out[key] = keyed.curve.json();
  }
  return out;
}

CurveReader::CurveReader(fs::path file, CurveLimits limits,
                         std::function<Json(std::string_view)> object_of)
    : file_(std::move(file)), limits_(limits), object_of_(std::move(object_of)), curves_(limits) {}

void CurveReader::begin_anew() {
  curves_ = Curves(limits_);
  offset_ = 0;
  partial_.clear();
  too_long_ = false;
}

bool CurveReader::read(std::int64_t most_bytes) {
  const UniqueFd fd = open_regular(file_);
  struct stat is {};
  if (!fd.valid() || ::fstat(fd.get(), &is) != 0) return false;
  if (is.st_ino != inode_ || is.st_size < offset_) begin_anew();
  inode_ = is.st_ino;
  std::array<char, 65536> buffer;
  bool some = false;
  while (most_bytes > 0) {
    const auto room = std::min<std::int64_t>(most_bytes, buffer.size());
    const ssize_t n = ::pread(fd.get(), buffer.data(), static_cast<std::size_t>(room), offset_);
    if (n <= 0) break;
    take({buffer.data(), static_cast<std::size_t>(n)});
    offset_ += n;
    most_bytes -= n;
    some = true;
  }
  return some;
}

void CurveReader::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (partial_.size() + piece.size() > longest_line) too_long_ = true;
    too_long_ ? partial_.clear() : static_cast<void>(partial_.append(piece));
    if (end == std::string_view::npos) return;
    if (!too_long_) curves_.take(object_of_(partial_));
    partial_.clear();
    too_long_ = false;
    bytes.remove_prefix(end + 1);
  }
}

CurveReader curve_reader(Files& files, const fs::path& run_dir, CurveLimits limits) {
  const fs::path file = run_dir / "metrics.jsonl";
  if (presence(file) == Presence::there || !may_be_there(run_dir / "spec.json")) {
    return CurveReader(file, limits);
  }
  const MetricPatterns patterns = patterns_of(tasks::observe(files, run_dir).spec);
  if (patterns.empty()) return CurveReader(file, limits);
  return CurveReader(run_dir / "stdout.log", limits,
                     [patterns](std::string_view line) { return object_by(patterns, line); });
}

Json read_curves(Files& files, const fs::path& run_dir, CurveLimits limits) {
  CurveReader reader = curve_reader(files, run_dir, limits);
  reader.read();
  return reader.curves().json();
}

std::string loss_like(const Json& keyed) {
  const auto has = [&](const char* key) { return keyed.contains(key); };
  for (const char* key : {"loss", "train_loss", "train/loss"}) {
    if (keyed.is_object() && has(key)) return key;
  }
  std::string found;
  if (!keyed.is_object()) return found;
  for (const auto& [key, value] : keyed.items()) {
    const std::string name = lower(key);
    if (name.find("loss") == std::string::npos) continue;
    if (name.find("val") == std::string::npos) return key;
    if (found.empty()) found = key;
  }
  return found;
}

}  // namespace workflow::sweep
