#pragma once

#include "remote/pods/provider.h"

// One line a provider; make_provider.cpp chooses by name.
namespace workflow::pods {

[[nodiscard]] std::unique_ptr<Provider> loopback_provider(const ProviderContext& context);
[[nodiscard]] std::unique_ptr<Provider> lium_provider(const ProviderContext& context);
[[nodiscard]] std::unique_ptr<Provider> runpod_provider(const ProviderContext& context);
[[nodiscard]] std::unique_ptr<Provider> vast_provider(const ProviderContext& context);
[[nodiscard]] std::unique_ptr<Provider> lambda_provider(const ProviderContext& context);
/// `workflow-provider-NAME` on the PATH; null when there is none.
[[nodiscard]] std::unique_ptr<Provider> program_provider(const std::string& name,
                                                         const ProviderContext& context);

}  // namespace workflow::pods
