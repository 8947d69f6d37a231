#pragma once

#include <memory>

#include "client/job_renter.h"

namespace workflow::client {

/// Rents for jobs by the settings, with everything in the ledger.
[[nodiscard]] std::unique_ptr<JobRenter> pod_renter(const Settings& settings, int interrupt_fd);

}  // namespace workflow::client
