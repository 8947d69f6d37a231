#pragma once

#include <optional>
#include <string>

#include "remote/pods/provider_api.h"

// What RunPod's answers mean; pure.
namespace workflow::pods {

/// The first of a GraphQL answer's `errors`; without a message there is none.
struct RunPodError {
  std::string message;
  std::string code;  ///< `extensions.code`

  [[nodiscard]] Trouble trouble() const;
  /// The pod that was asked for is not there.
  [[nodiscard]] bool says_absent() const;
  /// It was refused before it had any effect. Where this is not certain a listing has to tell.
  [[nodiscard]] bool says_undone() const;
};
[[nodiscard]] RunPodError runpod_error(const Json& document);

/// One of `gpuTypes` as an offer; nothing when there is no stock of it in that cloud.
[[nodiscard]] std::optional<Offer> runpod_offer(const Json& type, const GpuQuery& query,
                                                bool secure);

[[nodiscard]] Pod runpod_pod(const Json& pod);

}  // namespace workflow::pods
