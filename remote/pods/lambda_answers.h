#pragma once

#include <optional>
#include <string>

#include "remote/pods/provider_api.h"

// What Lambda's answers mean; pure.
namespace workflow::pods {

/// `error` of an answer; empty where there is none.
struct LambdaError {
  std::string code;  ///< `instance-operations/launch/insufficient-capacity`
  std::string message;

  [[nodiscard]] Trouble trouble() const;
  [[nodiscard]] bool says_absent() const;
  /// The message and Lambda's own suggestion.
  [[nodiscard]] std::string words() const;
  std::string suggestion;
};
[[nodiscard]] LambdaError lambda_error(const Json& document);

/// One of `instance-types`: an offer for each region that has it now.
[[nodiscard]] std::vector<Offer> lambda_offers(const Json& type);

[[nodiscard]] Pod lambda_pod(const Json& instance);

/// The name under which the account has this public key, by the key itself: its comment may differ,
/// and another's key is never taken. Empty: it has not.
[[nodiscard]] std::string lambda_key_name(const Json& keys, const std::string& public_key);
/// The name that a public key of ours is uploaded under.
[[nodiscard]] std::string lambda_new_key_name(const std::string& public_key);

}  // namespace workflow::pods
