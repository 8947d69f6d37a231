#pragma once

#include "client/settings.h"
#include "remote/pods/query.h"

namespace workflow::client {

/// Whether the settings say which machine is wanted.
[[nodiscard]] bool says_machine(const Settings& settings);

/// The machine that the settings want: WF_PROVISION, else LIUM_GPU and LIUM_COUNT, else `cpu` where
/// WF_PROVIDER is loopback. Error(usage) that shows how to say it when none of them does.
[[nodiscard]] pods::GpuQuery wanted_machine(const Settings& settings);

}  // namespace workflow::client
