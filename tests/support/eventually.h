#pragma once

#include <poll.h>

#include <cstdint>
#include <iostream>

#include "common/clock.h"

namespace workflow::test {

/// Looks until `condition` holds, at most `limit_ms`; the only place where a test waits.
template <class Condition>
[[nodiscard]] bool eventually(Condition condition, std::int64_t limit_ms = 20'000) {
  const std::int64_t deadline = system_clock().steady_ms() + limit_ms;
  while (!condition()) {
    if (system_clock().steady_ms() >= deadline) return false;
    ::poll(nullptr, 0, 10);
  }
  return true;
}

/// Looks until `value()` is `wanted`; prints the last value it saw when it never is.
template <class Value, class Wanted>
[[nodiscard]] bool eventually_is(Value value, const Wanted& wanted,
                                 std::int64_t limit_ms = 20'000) {
  auto last = value();
  if (eventually([&] { return (last = value()) == wanted; }, limit_ms)) return true;
  std::cerr << "waited " << limit_ms << " ms for '" << wanted << "', saw '" << last << "' last\n";
  return false;
}

}  // namespace workflow::test
