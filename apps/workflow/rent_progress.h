#pragma once

#include "apps/workflow/command.h"

namespace workflow::app {

/// Prints what comes of a renting, and asks for the price: once for the first offer, and again for
/// one that is dearer.
[[nodiscard]] client::OnEvent rent_progress(Context& context);

/// Whether an event is told by a renting or a giving back.
[[nodiscard]] bool is_of_renting(const Json& event);

}  // namespace workflow::app
