#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/settings.h"
#include "common/files.h"
#include "remote/pods/provider.h"

// What providers are asked with: the user's accounts, and the key that new pods get.
namespace workflow::client {

/// Settings and the environment, as providers may ask for them.
[[nodiscard]] pods::ProviderContext provider_context(const Settings& settings, int interrupt_fd);

/// The providers that a query may choose from: those it names, else WF_PROVIDER, else all with
/// credentials. `*` in the query stands for all with credentials that it does not name.
/// One of several that cannot be used, for want of a key, is told and left out. Error(usage) when
/// there is none.
using OnUnasked = std::function<void(const std::string& name, const pods::ProviderError& why)>;
[[nodiscard]] std::vector<std::unique_ptr<pods::Provider>> providers_for(
    const Settings& settings, const pods::GpuQuery& query, int interrupt_fd,
    const OnUnasked& on_unasked);

/// All that there are credentials for.
[[nodiscard]] std::vector<std::unique_ptr<pods::Provider>> providers_of_accounts(
    const Settings& settings, int interrupt_fd);

/// The key pair that rented pods get: POD_SSH_KEY, else the first of ~/.ssh/id_ed25519 and id_ecdsa
/// that has its .pub beside it, else one of ours in XDG_STATE_HOME/workflow, made at first use.
struct PodKey {
  fs::path private_key;
  std::string public_line;
};
[[nodiscard]] PodKey pod_key(const Settings& settings);

}  // namespace workflow::client
