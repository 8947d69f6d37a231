#pragma once

#include "apps/workflow/command.h"

namespace workflow::app {

/// Whether pod-up has something to rent here, or to go on renting: no target is set, and the
/// settings say what a pod is to be.
[[nodiscard]] bool is_to_rent(Context& context);

/// Rents, and makes the new pod this command's target. Asks for the price first.
[[nodiscard]] Json rent(Context& context);

}  // namespace workflow::app
