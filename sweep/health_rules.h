#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sweep/health.h"

// The judgement alone: what was seen at which time goes in, findings come out. No clock, no files.
namespace workflow::sweep {

/// One value of a metric that a run has told.
struct MetricPoint {
  std::string key;
  double value = 0;            ///< NaN and infinities as they are
  std::optional<double> step;  ///< the last one told before or with it
  std::string where{};         ///< `metrics.jsonl, byte 812`
};

/// What one look at a running run saw.
struct Signs {
  std::int64_t log_bytes = 0;
  std::int64_t metrics_bytes = 0;
  std::int64_t cpu_ms = 0;            ///< used so far by all of its processes
  std::int64_t io_bytes = 0;          ///< read and written so far by all of its processes
  std::optional<int> gpu_percent{};   ///< of its busiest GPU; nothing where it has none to ask
  bool gpu_unknown = false;           ///< its GPUs answered before, and now do not
  std::vector<MetricPoint> points{};  ///< told since the look before, in order
};

struct HealthRules {
  std::int64_t stall_ms = 1'800'000;  ///< 0: never
  std::int64_t silent_ms = 0;         ///< neither log nor metric, although busy; 0: never
  Action on_stall = Action::warn;
  Action on_nan = Action::warn;
  std::vector<std::string> nan_keys{};  ///< empty: those that is_loss() and is_gradient() know
  std::optional<double> loss_limit{};   ///< a loss above it has diverged
  std::int64_t every_ms = 10'000;       ///< between two looks
};

/// The rules that a site's settings make.
[[nodiscard]] HealthRules health_rules(const tasks::Site& site);

/// A metric that is a loss by its name: `loss`, `train/loss`, `val_loss`; not `loss_scale`, nor
/// `best_val_loss`, which begins as infinity.
[[nodiscard]] bool is_loss(std::string_view key);
/// A metric that is a norm of gradients by its name.
[[nodiscard]] bool is_gradient(std::string_view key);

/// The health of one attempt.
class RunHealth {
 public:
  explicit RunHealth(const HealthRules& rules) : rules_(rules) {}

  /// Whether its GPUs have to be asked: neither log, metrics, processor nor disk tell of progress.
  [[nodiscard]] bool looks_idle(const Signs& now, std::int64_t now_ms) const;

  /// What follows from the next look. The first one is only where counting begins.
  [[nodiscard]] std::vector<Finding> judge(const Signs& now, std::int64_t now_ms);

 private:
  /// A time without something, and whether it was warned of.
  struct Drought {
    std::int64_t ms = 0;
    bool warned = false;
  };
  /// What the points of one metric have been since the last good one.
  struct KeyHealth {
    int bad_in_a_row = 0;
    int above_in_a_row = 0;
    MetricPoint first_bad{};
    MetricPoint first_above{};
    bool bad_now = false;  ///< some point of this look was
  };

  [[nodiscard]] bool grew(const Signs& now) const;
  [[nodiscard]] bool busy(const Signs& now, std::int64_t counted_ms) const;
  [[nodiscard]] std::int64_t counted_ms(std::int64_t now_ms) const;
  void judge_progress(const Signs& now, std::int64_t now_ms);
  void judge_drought(Drought& drought, std::int64_t limit_ms, const std::string& what);
  void end_drought(Drought& drought);
  void judge_points(const std::vector<MetricPoint>& points);
  void judge_key(const std::string& key, const KeyHealth& health);
  [[nodiscard]] bool is_watched(const std::string& key) const;
  void find(Action action, const char* cls, std::string reason);

  HealthRules rules_;
  std::optional<Signs> last_;
  std::int64_t last_ms_ = 0;
  Drought idle_;    ///< without any sign of life
  Drought silent_;  ///< without a word in log or metrics
  std::map<std::string, KeyHealth> keys_;
  std::vector<Finding> found_;
  bool nan_told_ = false;
  bool blip_told_ = false;
  bool acted_ = false;
};

}  // namespace workflow::sweep
