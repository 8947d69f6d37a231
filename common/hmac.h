#pragma once

#include <string>
#include <string_view>

namespace workflow {

/// HMAC-SHA256 (RFC 2104) of a message, as 64 hex digits.
[[nodiscard]] std::string hmac_sha256_hex(std::string_view key, std::string_view message);

}  // namespace workflow
