#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace workflow {

/// Where the time comes from; tests hand in one that they move by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Milliseconds since 1970-01-01 UTC.
  [[nodiscard]] virtual std::int64_t now_ms() const = 0;
  /// Milliseconds that only grow, also while the machine sleeps; for deadlines.
  [[nodiscard]] virtual std::int64_t steady_ms() const = 0;
};

/// The machine's own clock.
[[nodiscard]] const Clock& system_clock();

/// `2026-01-31T23:59:59.042Z`: the form of every time in JSON.
[[nodiscard]] std::string utc_text(std::int64_t ms);

/// `20260131T235959Z`: the form of every time in a file name.
[[nodiscard]] std::string utc_stamp(std::int64_t ms);

/// Reads what utc_text writes; nothing when it is anything else.
[[nodiscard]] std::optional<std::int64_t> parse_utc(std::string_view text);

}  // namespace workflow
