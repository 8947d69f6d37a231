#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sweep/failure_table.h"

// What one line of a log says by itself. Pure; what it means among the others is log_cause.h's.
namespace workflow::sweep {

/// What torch and torchrun put before every line of a rank: `[rank0]: `, `[default0]:`.
[[nodiscard]] std::string_view without_rank(std::string_view line);

/// The last part of the dotted name a Python exception line begins with; empty when it is none.
[[nodiscard]] std::string_view exception_type(std::string_view line);

/// What a line stands for.
struct Meaning {
  std::string_view cls;
  failure_table::Weight weight;
};
/// By the table; `type` is the line's exception_type. Nothing for a line that says nothing, quotes
/// source, warns or is negated.
[[nodiscard]] std::optional<Meaning> cause_of(std::string_view line, std::string_view type);

/// A process that a line calls dead: of torchrun, of torch's DataLoader, of bash. 0 for none.
[[nodiscard]] std::int64_t dead_process(std::string_view line);

/// The number behind a mark; 0 where there is none.
[[nodiscard]] std::int64_t number_behind(std::string_view line, std::string_view mark);

}  // namespace workflow::sweep
