#pragma once

#include "client/settings.h"
#include "common/json.h"

namespace workflow::client {

/// What every request carries: `settings`, as far as the target has a use for them, without a
/// secret, and `by`: who asks, from where, with which build.
[[nodiscard]] Json request_args(const Settings& settings);

/// The name and version of this build, as records carry it.
[[nodiscard]] std::string client_name();

}  // namespace workflow::client
