#pragma once

#include <string>
#include <vector>

#include "sweep/campaign.h"
#include "tasks/gpu_leases.h"
#include "tasks/record.h"
#include "tasks/run_out.h"
#include "tasks/site.h"

// How a row becomes a command. Values travel as words of an argv or as variables, never as parts
// of a shell text.
namespace workflow::sweep {

/// What a run was given: GPUs by index or UUID (empty: the machine has none), and its attempt.
struct Allotment {
  std::vector<std::string> gpus{};
  int attempt = 1;
  Json origin{};                             ///< of a row that joined later (row_index.h)
  const tasks::GpuLeases* leases = nullptr;  ///< that hold the GPUs
};

/// `WF_CAMPAIGN_ID=…`, which every process of a campaign's runs carries.
[[nodiscard]] std::string campaign_mark(const Campaign& campaign);

/// Where a row's training writes, and where that is to stay.
[[nodiscard]] tasks::RunOut out_place(const tasks::Site& site, const std::string& run_id);

/// Error(usage) when RUN_OUT_LOCAL_ROOT lies in the outputs directory, which local_sync copies to.
void require_local_root(const tasks::Site& site);

/// The task that runs one row: torchrun on TRAIN_SCRIPT, or TRAIN_COMMAND_TEMPLATE by bash.
[[nodiscard]] tasks::TaskSpec run_spec(const tasks::Site& site, const Campaign& campaign,
                                       const Row& row, const Allotment& allotment);

}  // namespace workflow::sweep
