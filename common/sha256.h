#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/sha256_blocks.h"

namespace workflow {

/// SHA-256 (FIPS 180-4), fed piece by piece.
class Sha256 {
 public:
  void update(std::string_view bytes);
  /// As update with so many zeros.
  void update_zeros(std::int64_t count);
  /// The digest as 64 hex digits; the object is spent afterwards.
  [[nodiscard]] std::string hex();

 private:
  Sha256State state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> rest_{};
  std::uint64_t length_ = 0;
};

[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace workflow
