#pragma once

#include "sweep/rehearsal/trial.h"
#include "tasks/doctor.h"

namespace workflow::sweep {

/// Writes the trials' python to the task's directory, whole; where it is.
fs::path write_script(const TrialSite& at);

}  // namespace workflow::sweep
