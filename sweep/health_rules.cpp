#include "sweep/health_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "common/text.h"
#include "sweep/metric_patterns.h"

namespace workflow::sweep {
namespace {

// A hung torchrun still polls its children, and a hung trainer's threads their queues: 1 % of a
// core and a few kB/s. What works uses more than that.
constexpr std::int64_t busy_cpu_percent = 5;
constexpr std::int64_t busy_io_per_ms = 100;  // 100 kB/s

// Under AMP the loss scale starts at 2^16 and is halved at every infinite gradient, so sixteen of
// them in a row are no more than the search for a scale.
constexpr int bad_gradients = 20;
// One loss that is not finite makes the weights so, unless the step was skipped: then the next one
// is finite, and the last word is good.
constexpr int bad_losses = 1;
// A spike is no divergence.
constexpr int losses_above = 3;

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

/// `loss is nan since step 50 (metrics.jsonl, byte 812)`.
std::string place(const MetricPoint& point) {
  std::string out = point.step ? "step " + number(*point.step) : "an unknown step";
  if (!point.where.empty()) out += " (" + point.where + ")";
  return out;
}

Action action_of(const std::string& policy) {
  return policy == "retry" ? Action::retry : policy == "stop" ? Action::stop : Action::warn;
}

std::string last_part(std::string_view key) {
  const auto cut = key.find_last_of("/.");
  return lower(cut == std::string_view::npos ? key : key.substr(cut + 1));
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

bool is_loss(std::string_view key) {
  const std::string name = last_part(key);
  return has(name, "loss") && !has(name, "scale") && !has(name, "best") && !has(name, "min");
}

bool is_gradient(std::string_view key) {
  const std::string name = last_part(key);
  return has(name, "grad") && has(name, "norm");
}

HealthRules health_rules(const tasks::Site& site) {
  HealthRules rules;
  rules.stall_ms = site.number("RUN_STALL_SECS", 1800) * 1000;
  rules.silent_ms = site.number("RUN_SILENT_SECS") * 1000;
  rules.on_stall = action_of(site.text("RUN_STALL_POLICY"));
  rules.on_nan = action_of(site.text("RUN_NAN_POLICY"));
  for (const auto& part : split(site.text("RUN_NAN_KEYS"), ' ')) {
    for (const auto& key : split(part, ',')) {
      if (!key.empty()) rules.nan_keys.push_back(key);
    }
  }
  rules.loss_limit = metric_number(site.text("RUN_LOSS_LIMIT"));
  for (const std::int64_t limit : {rules.stall_ms, rules.silent_ms}) {
    if (limit > 0)
      rules.every_ms = std::min(rules.every_ms, std::max<std::int64_t>(250, limit / 4));
  }
  return rules;
}

std::int64_t RunHealth::counted_ms(std::int64_t now_ms) const {
  return std::clamp<std::int64_t>(now_ms - last_ms_, 0, 3 * rules_.every_ms);
}

bool RunHealth::grew(const Signs& now) const {
  return !last_ || now.log_bytes != last_->log_bytes || now.metrics_bytes != last_->metrics_bytes ||
         !now.points.empty();
}

bool RunHealth::busy(const Signs& now, std::int64_t counted_ms) const {
  const std::int64_t cpu_ms = now.cpu_ms - last_->cpu_ms;
  const std::int64_t io_bytes = now.io_bytes - last_->io_bytes;
  return (cpu_ms > 0 && cpu_ms * 100 >= counted_ms * busy_cpu_percent) ||
         (io_bytes > 0 && io_bytes >= counted_ms * busy_io_per_ms);
}

bool RunHealth::looks_idle(const Signs& now, std::int64_t now_ms) const {
  return last_ && !grew(now) && !busy(now, counted_ms(now_ms));
}

std::vector<Finding> RunHealth::judge(const Signs& now, std::int64_t now_ms) {
  found_.clear();
  if (last_) judge_progress(now, now_ms);
  judge_points(now.points);
  last_ = now;
  last_->points.clear();
  last_ms_ = now_ms;
  return std::move(found_);
}

void RunHealth::judge_progress(const Signs& now, std::int64_t now_ms) {
  const std::int64_t counted = counted_ms(now_ms);
  if (!looks_idle(now, now_ms) || now.gpu_percent.value_or(0) > 0) {
    end_drought(idle_);
  } else if (!now.gpu_unknown) {  // what cannot be seen proves nothing
    idle_.ms += counted;
  }
  if (grew(now)) {
    end_drought(silent_);
  } else {
    silent_.ms += counted;
  }
  judge_drought(idle_, rules_.stall_ms,
                "no progress: nothing new in log and metrics, processor" +
                    std::string(now.gpu_percent ? " and GPU" : "") + " idle, for ");
  judge_drought(silent_, rules_.silent_ms, "busy, but nothing new in log and metrics for ");
}

void RunHealth::judge_drought(Drought& drought, std::int64_t limit_ms, const std::string& what) {
  if (limit_ms <= 0) return;
  const bool acts = rules_.on_stall != Action::warn;
  const std::string reason = what + human_duration(drought.ms / 1000);
  if (acts && drought.warned && drought.ms >= limit_ms) {
    find(rules_.on_stall, "stalled", reason);
  } else if (!drought.warned && drought.ms >= (acts ? limit_ms / 2 : limit_ms)) {
    drought.warned = true;
    const std::string next =
        "; " + std::string(name(rules_.on_stall)) + " at " + human_duration(limit_ms / 1000);
    find(Action::warn, "stalled", reason + (acts ? next : ""));
  }
}

void RunHealth::end_drought(Drought& drought) {
  if (drought.warned) {
    find(Action::clear, "stalled", "goes on after " + human_duration(drought.ms / 1000));
  }
  drought = {};
}

bool RunHealth::is_watched(const std::string& key) const {
  if (rules_.nan_keys.empty()) return is_loss(key) || is_gradient(key);
  return std::ranges::find(rules_.nan_keys, key) != rules_.nan_keys.end();
}

void RunHealth::judge_points(const std::vector<MetricPoint>& points) {
  for (auto& [key, health] : keys_) health.bad_now = false;
  for (const auto& point : points) {
    if (!is_watched(point.key)) continue;
    KeyHealth& health = keys_[point.key];
    if (!std::isfinite(point.value)) {
      if (health.bad_in_a_row++ == 0) health.first_bad = point;
      health.bad_now = true;
      continue;
    }
    health.bad_in_a_row = 0;
    if (!rules_.loss_limit || is_gradient(point.key) || point.value <= *rules_.loss_limit) {
      health.above_in_a_row = 0;
    } else if (health.above_in_a_row++ == 0) {
      health.first_above = point;
    }
  }
  for (const auto& [key, health] : keys_) judge_key(key, health);
}

void RunHealth::judge_key(const std::string& key, const KeyHealth& health) {
  const std::string at = key + " is " + number(health.first_bad.value);
  if (health.bad_in_a_row >= (is_gradient(key) ? bad_gradients : bad_losses)) {
    if (nan_told_) return;
    nan_told_ = true;
    find(rules_.on_nan, "nan", at + " since " + place(health.first_bad));
  } else if (health.above_in_a_row >= losses_above) {
    if (nan_told_) return;
    nan_told_ = true;
    find(rules_.on_nan, "nan",
         key + " is " + number(health.first_above.value) + ", above RUN_LOSS_LIMIT " +
             number(*rules_.loss_limit) + ", since " + place(health.first_above));
  } else if (health.bad_now && health.bad_in_a_row == 0 && !is_gradient(key) && !blip_told_) {
    blip_told_ = true;
    find(Action::warn, "nan",
         key + " was " + number(health.first_bad.value) + " at " + place(health.first_bad) +
             ", and is finite again");
  }
}

void RunHealth::find(Action action, const char* cls, std::string reason) {
  if (acted_) return;
  acted_ = action == Action::retry || action == Action::stop;
  found_.push_back({.cls = cls, .action = action, .reason = std::move(reason)});
}

}  // namespace workflow::sweep
