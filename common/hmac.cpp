#include "common/hmac.h"

#include "common/sha256.h"

namespace workflow {
namespace {

constexpr std::size_t block = 64;

std::string bytes_of(std::string_view hex) {
  std::string out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return out;
}

std::string padded(std::string_view key, char with) {
  std::string out(key);
  out.resize(block, '\0');
  for (char& c : out) c = static_cast<char>(c ^ with);
  return out;
}

}  // namespace

std::string hmac_sha256_hex(std::string_view key, std::string_view message) {
  const std::string short_key = key.size() > block ? bytes_of(sha256_hex(key)) : std::string(key);
  const std::string inner = sha256_hex(padded(short_key, 0x36).append(message));
  return sha256_hex(padded(short_key, 0x5c) + bytes_of(inner));
}

}  // namespace workflow
