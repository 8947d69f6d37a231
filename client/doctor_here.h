#pragma once

#include <vector>

#include "client/doctor.h"

namespace workflow::client {

/// This machine: ssh, TLS for the providers, the ledger, room for what is fetched.
[[nodiscard]] std::vector<Check> look_at_this_machine(const Settings& settings);

/// The configuration: its file and what is odd in it, settings against each other, the manifest,
/// the secrets that it names.
[[nodiscard]] std::vector<Check> look_at_settings(const Settings& settings);

}  // namespace workflow::client
