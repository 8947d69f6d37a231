#pragma once

#include "apps/workflow/command.h"

namespace workflow::app {

/// Ships this machine's tree; its row is with the target's commands.
Outcome push(Context& context);
/// One line of what a push sent.
[[nodiscard]] std::string push_summary(const Json& pushed);

}  // namespace workflow::app
