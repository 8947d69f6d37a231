#pragma once

#include <string>

namespace workflow::pods {

/// What providers are spoken to with: `libcurl 7.88.1, OpenSSL 3.0.17`; empty without TLS.
[[nodiscard]] std::string tls_library();

}  // namespace workflow::pods
