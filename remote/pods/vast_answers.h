#pragma once

#include <optional>
#include <string>

#include "remote/pods/provider_api.h"

// What Vast's answers mean; pure.
namespace workflow::pods {

/// The words of an answer that says no: `msg`, `error`, `message`.
[[nodiscard]] std::string vast_words(const Json& answer);
[[nodiscard]] Trouble vast_trouble(long status, const Json& answer);
/// The instance that was asked for is not there.
[[nodiscard]] bool vast_says_absent(long status, const Json& answer);

/// The filter of `POST /bundles/`.
[[nodiscard]] Json vast_search(const GpuQuery& query);
/// One of `offers`; nothing for one without a price.
[[nodiscard]] std::optional<Offer> vast_offer(const Json& ask, const GpuQuery& query);

/// One of `instances`.
[[nodiscard]] Pod vast_pod(const Json& instance);

}  // namespace workflow::pods
