#pragma once

#include <string>
#include <vector>

#include "sweep/selection.h"
#include "tasks/keeper.h"
#include "tasks/site.h"

namespace workflow::sweep {

/// What to start, and what it may replace.
struct SweepAsk {
  std::string manifest;       ///< the CSV's bytes
  std::string manifest_name;  ///< as the user knows it
  Selection selection{};
  bool force = false;         ///< a different row under an existing id moves the old run aside
  bool redo_changed = false;  ///< an ok run of another git SHA runs again
  std::vector<std::string> secrets{};
};

/// What became of a start.
struct SweepStarted {
  std::string campaign_id;
  std::string task_id;   ///< of its executor
  bool created = true;   ///< false: this very sweep is running already
  bool resumed = false;  ///< a stalled campaign got an executor again
  std::int64_t rows = 0;
  std::int64_t skipped = 0;  ///< had ended well before
  std::vector<std::string> notes{};
};

/// Starts the sweep of a manifest: every fault told at once, the campaign frozen, its executor at
/// work, the state moved; or nothing at all. The same sweep while it runs is only told; a stalled
/// campaign of the same manifest goes on; another manifest while one runs is Error(busy).
SweepStarted start_sweep(const tasks::Site& site, const SweepAsk& asked,
                         const tasks::Ask& state_ask);

/// What a start would do, as far as it can be told without doing it.
struct SweepPlan {
  fsm::State state = fsm::State::init;  ///< as far as evidence supports it
  bool legal = false;
  bool resumes = false;            ///< a stalled campaign of this manifest would go on
  std::string running{};           ///< the campaign, when this very sweep is running already
  std::int64_t rows = 0;           ///< selected
  std::vector<std::string> run{};  ///< ids of those that would run; the others have ended well
};

/// The same checks as start_sweep, read only: nothing is written. Throws what start_sweep would,
/// but for the state, which the plan tells.
[[nodiscard]] SweepPlan plan_sweep(const tasks::Site& site, const SweepAsk& asked);

}  // namespace workflow::sweep
