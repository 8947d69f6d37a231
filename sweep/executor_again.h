#pragma once

#include <string>
#include <vector>

#include "common/clock.h"
#include "common/files.h"
#include "tasks/record.h"

namespace workflow::sweep {

/// After the end of an executor's task, in its supervisor: one that was killed by a signal, and
/// that nobody has told to end, gets a successor, so that a night goes on. One that had lived for
/// less than twenty seconds gets none: it would be killed again. `secrets` (`K=V`) are those it
/// had.
void executor_ended(Files& files, const Clock& clock, const tasks::TaskSpec& spec,
                    const tasks::TaskRecord& record, const std::vector<std::string>& secrets);

}  // namespace workflow::sweep
