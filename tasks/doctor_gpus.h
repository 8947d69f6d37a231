#pragma once

#include "tasks/doctor.h"

namespace workflow::tasks {

/// The GPUs here, which of them cannot be used, and who has which; none is a fault where one is
/// `required`, and an nvidia-smi that does not answer is one at any rate.
[[nodiscard]] Finding look_at_gpus(const Site& site, bool required);

}  // namespace workflow::tasks
