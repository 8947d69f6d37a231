#pragma once

#include <poll.h>

#include <cstdint>
#include <functional>
#include <string>

#include "common/clock.h"

namespace workflow::test {

/// Looks until `condition` holds, at most `limit_ms`; the only place where
/// a test waits.
template <class Condition>
bool eventually(Condition condition, std::int64_t limit_ms = 20'000) {
  const std::int64_t deadline = system_clock().steady_ms() + limit_ms;
  while (!condition()) {
    if (system_clock().steady_ms() >= deadline) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

}  // namespace workflow::test
