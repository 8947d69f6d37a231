#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// Whether a failed row is tried again, and when: one row a failure class. Pure.
namespace workflow::sweep {

/// How long a row waits before its next attempt, in ms; nothing: no attempt of it would help.
/// `attempt` counts the attempts of this campaign that spent the row's budget `max_retries`, from
/// 1, the one that has just ended included; `same_class_in_a_row` those that ended in `cls` one
/// after the other, from 1.
[[nodiscard]] std::optional<std::int64_t> retry_wait_ms(std::string_view cls, std::int64_t attempt,
                                                        std::int64_t same_class_in_a_row,
                                                        std::int64_t max_retries);

/// False for a class that says nothing about the row (a full disk): its attempt takes nothing from
/// the row's budget, and is tried again even where that is 0.
[[nodiscard]] bool spends_budget(std::string_view cls);

}  // namespace workflow::sweep
