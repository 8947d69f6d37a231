#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "client/doctor.h"
#include "remote/pods/provider.h"

namespace workflow::client {

using Providers = std::vector<std::unique_ptr<pods::Provider>>;

/// The accounts: whether each provider for which there are credentials answers, and what goes on
/// there. `open` may throw where a key's file is not as it should be, which is a finding.
[[nodiscard]] std::vector<Check> look_at_accounts(const std::function<Providers()>& open);

}  // namespace workflow::client
