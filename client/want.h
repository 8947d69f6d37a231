#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace workflow::client {

/// A file that has to come, and what of it is here already.
struct Want {
  std::size_t entry = 0;
  std::int64_t have = 0;
  std::string sha256{};  ///< of the bytes that are here
};

}  // namespace workflow::client
