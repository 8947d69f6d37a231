#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace workflow::pods {

struct HttpRequest {
  std::string method = "GET";
  std::string url;                     ///< `https://`; `http://` only for this machine itself
  std::vector<std::string> headers{};  ///< `Name: value`; keys travel here and nowhere else
  std::string body{};
};

struct HttpAnswer {
  long status = 0;
  std::string body{};
  std::optional<std::int64_t> retry_after_ms{};
};

struct HttpLimits {
  std::int64_t connect_ms = 10'000;
  std::int64_t whole_ms = 30'000;  ///< name, connection, request and answer together
  int interrupt_fd = -1;           ///< readable at Ctrl-C: Error(detached)
};

/// One request, made once on a connection of its own, so that nothing repeats it. TLS is verified;
/// redirects are not followed, since they would carry the key to another host. Every status is an
/// answer. ProviderError(network) without one: maybe_done() when the request had begun to leave.
/// Error(usage) for a URL that would send the key in the clear.
[[nodiscard]] HttpAnswer exchange(const HttpRequest& request, const HttpLimits& limits);

}  // namespace workflow::pods
