#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/session.h"

namespace workflow::client {

/// A run's time on a pod.
struct Use {
  std::string run_id;
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
  double gpus = 0;  ///< 0: not known, or none
};

/// What a pod has cost from `from_ms` to `to_ms`, divided at each moment among the runs that were
/// going: by their GPUs out of `pod_gpus`, and evenly where GPUs are not known or there are none.
/// The last entry, without an id, is the time when GPUs were idle. In the order of `uses`.
struct Shared {
  std::string run_id;
  double usd = 0;
};
[[nodiscard]] std::vector<Shared> share_cost(double usd_per_hour, std::int64_t from_ms,
                                             std::int64_t to_ms, double pod_gpus,
                                             const std::vector<Use>& uses);

/// What was rented and what it has cost: `pods[]` of name, provider, id, held, purpose, gpu_type,
/// gpu_count, price_total_hr, price_per_gpu_hr, rented_at, ended_at, ends_at, hours, cost; `total`,
/// `per_hour` (of all that live).
[[nodiscard]] Json cost_of_pods();

/// The same of the runs of the state's campaign on the target's pod: `pod`, `runs[]` of run_id,
/// state, cost, and `idle`. Error(not_found) where the target is not rented.
[[nodiscard]] Json cost_of_runs(Session& session);

}  // namespace workflow::client
