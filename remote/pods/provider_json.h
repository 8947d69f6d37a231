#pragma once

#include "common/json.h"
#include "remote/pods/provider.h"

// Offers, pods and wishes as JSON: what `workflow-provider-NAME` speaks (docs/providers.md).
namespace workflow::pods {

/// The trouble, status or ending that a word stands for; `provider`, `unknown` and `only_by_us` for
/// any other word.
[[nodiscard]] Trouble trouble_from(std::string_view word);
[[nodiscard]] PodStatus status_from(std::string_view word);
[[nodiscard]] Ending ending_from(std::string_view word);

[[nodiscard]] Json query_json(const GpuQuery& query);
[[nodiscard]] Json request_json(const PodRequest& request);
/// offer_json() and `detail`.
[[nodiscard]] Json whole_offer_json(const Offer& offer);

/// ProviderError(provider) that names what is missing.
[[nodiscard]] Offer offer_from(const Json& json, const std::string& provider);
[[nodiscard]] Pod pod_from(const Json& json, const std::string& provider);

}  // namespace workflow::pods
