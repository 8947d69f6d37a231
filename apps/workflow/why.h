#pragma once

#include "apps/workflow/command.h"

namespace workflow::app {

/// What became of a run: its ending, the line of its log that proves it, its attempts.
Outcome why(Context& context);

}  // namespace workflow::app
