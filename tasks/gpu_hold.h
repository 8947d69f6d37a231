#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tasks/gpu_leases.h"
#include "tasks/record.h"

// How a task says that it holds GPUs: its supervisor then keeps the lease true to the task's
// processes and releases it before the end is told.
namespace workflow::tasks {

/// Notes in a task that is to be started that these GPUs are leased for it.
void note_gpu_lease(TaskSpec& spec, const GpuLeases& leases, const std::vector<std::string>& gpus);

/// Where the lease of a task is; nothing when it has none.
[[nodiscard]] std::optional<GpuLeases> gpu_leases_of(const TaskSpec& spec);

/// What a task that asked for GPUs sees: `CUDA_VISIBLE_DEVICES=…`; nothing for any other, whose
/// environment says so itself.
[[nodiscard]] std::optional<std::string> visible_devices(const TaskSpec& spec);

}  // namespace workflow::tasks
