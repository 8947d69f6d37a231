#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "tasks/site.h"

// The acceptance test of a pod: short trials of what a training will need, each by itself and
// within a time of its own. Nothing stays behind but the task's record.
namespace workflow::sweep {

enum class Outcome { ok, warn, fail, skipped, unknown };
[[nodiscard]] std::string_view name(Outcome outcome);

/// What a trial found. `text` says it in figures; `hint` what to do.
struct Trial {
  Outcome outcome = Outcome::ok;
  std::string text;
  std::string hint{};
};

[[nodiscard]] Json trial_json(const Trial& trial);

/// A finding that gets worse as more is seen.
class Verdict {
 public:
  /// A fact beside the others.
  void say(const std::string& text);
  /// A fact that is not as it should be; the hint of the worst one counts.
  void worse(Outcome outcome, const std::string& text, const std::string& hint);
  [[nodiscard]] const Trial& trial() const { return trial_; }

 private:
  Trial trial_{Outcome::ok, ""};
};

/// What a rehearsal was asked for; kept in its task's spec.
struct RehearsalWish {
  std::optional<std::int64_t> gpus{};  ///< that were ordered; not known: any number is right
  bool network = false;
  std::int64_t trial_secs = 60;
  bool resume = false;              ///< the resume test as the last trial
  std::vector<std::string> only{};  ///< these trials; empty: all
  std::string row{};                ///< its run_id; empty: the first
  std::int64_t wait_secs = 600;     ///< the resume test's patience for each thing it waits for
};
[[nodiscard]] Json wish_json(const RehearsalWish& wish);
[[nodiscard]] RehearsalWish rehearsal_wish_from(const Json& json);

/// Where a trial works.
struct TrialSite {
  const tasks::Site& site;
  fs::path dir;  ///< the task's
  RehearsalWish wish;
};

// The trials. Each may take as long as it likes: whoever started it gives up on it in time.
[[nodiscard]] Trial gpus_trial(const TrialSite& at);
[[nodiscard]] Trial ecc_trial(const TrialSite& at);
[[nodiscard]] Trial clocks_trial(const TrialSite& at);
[[nodiscard]] Trial kernel_trial(const TrialSite& at);
[[nodiscard]] Trial host_trial(const TrialSite& at);
[[nodiscard]] Trial shm_trial(const TrialSite& at);
[[nodiscard]] Trial disk_trial(const TrialSite& at);
[[nodiscard]] Trial torch_trial(const TrialSite& at);
[[nodiscard]] Trial all_reduce_trial(const TrialSite& at);
[[nodiscard]] Trial network_trial(const TrialSite& at);

}  // namespace workflow::sweep
