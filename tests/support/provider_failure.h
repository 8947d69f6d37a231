#pragma once

#include <catch2/catch.hpp>
#include <map>

#include "remote/pods/factories.h"
#include "tests/support/provider_server.h"

namespace workflow::test {

/// The adapter of a fake provider.
inline std::unique_ptr<pods::Provider> adapter(const ProviderServer& server,
                                               const std::string& provider, int interrupt_fd = -1) {
  const auto context = server.context(interrupt_fd);
  if (provider == "runpod") return pods::runpod_provider(context);
  return provider == "vast" ? pods::vast_provider(context) : pods::lambda_provider(context);
}

/// What a call failed with; no text of it holds a key.
template <class Call>
pods::ProviderError failure_of(Call call) {
  try {
    call();
  } catch (const pods::ProviderError& error) {
    for (const std::string provider : {"runpod", "vast", "lambda"}) {
      CHECK_THAT(error.what(), !Catch::Contains(ProviderServer::key(provider)));
      CHECK_THAT(error.hint(), !Catch::Contains(ProviderServer::key(provider)));
    }
    return error;
  }
  FAIL("it did not fail");
  throw;
}

constexpr const char* ana_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIana ana@laptop";

inline pods::PodRequest pod_request(const std::string& name) {
  return {.name = name, .public_key = ana_key, .query = {}};
}

/// The query for which the fake of each provider has something.
inline pods::GpuQuery any_a100() {
  pods::GpuQuery query;
  query.cloud_type = "any";
  return query;
}

}  // namespace workflow::test
