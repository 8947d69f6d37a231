#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/files.h"
#include "common/json.h"
#include "sweep/metrics.h"

// A run's metrics over its steps, thinned out so that they can be drawn: memory and answer are
// bounded whatever the training wrote.
namespace workflow::sweep {

/// How much of a run's metrics is kept.
struct CurveLimits {
  std::size_t points = 240;  ///< of one key, at the most
  std::size_t keys = 24;     ///< the first that appear
};

/// One metric: neighbouring points are merged as there come more of them, each group keeping its
/// lowest and its highest value, so that a spike is never lost.
class Curve {
 public:
  explicit Curve(std::size_t most_points)
      : most_points_(most_points < fewest ? fewest : most_points) {}

  /// The next point; without a value (NaN) it is a gap, which is kept too.
  void add(double step, std::optional<double> value);
  /// `[[step,value]...]` in the order they came, a NaN as null.
  [[nodiscard]] Json json() const;

 private:
  static constexpr std::size_t fewest = 7;  ///< two groups and the last point

  struct Point {
    std::int64_t order = -1;  ///< -1: none
    double step = 0;
    double value = 0;
  };
  struct Group {
    Point low{};
    Point high{};
    Point gap{};
  };

  [[nodiscard]] std::size_t most_groups() const;
  void halve();

  std::size_t most_points_;
  std::int64_t width_ = 1;  ///< points of a full group
  std::int64_t count_ = 0;
  Point last_{};
  bool last_is_gap_ = false;
  std::vector<Group> groups_;
};

/// Every metric of a run. A line's step is its `step` (`_step`, `global_step`, `iteration`,
/// `iter`), else its number; times and totals are no metrics.
class Curves {
 public:
  explicit Curves(CurveLimits limits = {}) : limits_(limits) {}

  /// One object of metrics.jsonl.
  void take(const Json& object);
  /// `{key: [[step,value]...]}`; keys that never had a number are left out.
  [[nodiscard]] Json json() const;
  /// The latest value of every key.
  [[nodiscard]] const Json& last() const { return last_; }

 private:
  struct Keyed {
    Curve curve;
    bool has_number = false;
  };
  CurveLimits limits_;
  std::int64_t lines_ = 0;
  std::map<std::string, Keyed, std::less<>> keyed_;
  Json last_ = Json::object();
};

/// Reads a metrics file piece by piece and goes on where it was.
class CurveReader {
 public:
  /// `object_of` makes an object of metrics of a line, or null of one that is none.
  explicit CurveReader(fs::path file, CurveLimits limits = {},
                       std::function<Json(std::string_view)> object_of = metrics_object);

  /// Reads what is new, `most_bytes` at the most; true when there was something. A file that is
  /// another one, or became shorter, is read anew.
  bool read(std::int64_t most_bytes = INT64_MAX);
  [[nodiscard]] const Curves& curves() const { return curves_; }

 private:
  void take(std::string_view bytes);
  void begin_anew();

  fs::path file_;
  CurveLimits limits_;
  std::function<Json(std::string_view)> object_of_;
  Curves curves_;
  std::uint64_t inode_ = 0;
  std::int64_t offset_ = 0;
  std::string partial_;    ///< a line whose end is not there yet
  bool too_long_ = false;  ///< it is passed over up to its end
};

/// The reader of a run's last attempt: of its metrics.jsonl or, where there is none, of its log by
/// the METRIC_PATTERNS that it was started with.
[[nodiscard]] CurveReader curve_reader(Files& files, const fs::path& run_dir,
                                       CurveLimits limits = {});

/// The curves of the run's last attempt: `{key: [[step,value]...]}`; empty where it told none.
[[nodiscard]] Json read_curves(Files& files, const fs::path& run_dir, CurveLimits limits = {});

/// The metric that tells best how a run goes: `loss`, else one named like a loss, validation last;
/// empty when no key is like one.
[[nodiscard]] std::string loss_like(const Json& keyed);

}  // namespace workflow::sweep
