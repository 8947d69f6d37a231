#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

// The right-hand side of one line of workflow.env: quotes, escapes and ${VAR}.
namespace workflow::client {

/// What the reader of a value asks of, and tells, the reader of the file.
struct ValueContext {
  std::function<std::optional<std::string>(std::string_view)> lookup;
  std::function<void(std::size_t at, std::string message)> fault;
  /// A quote opened at `at` is still open at the end of the line.
  std::function<void(std::size_t at, char quote)> unclosed;
};

/// The value that starts at `at` of `line`, up to the end of the line or its comment; nothing when
/// it was reported as faulty.
[[nodiscard]] std::optional<std::string> read_env_value(std::string_view line, std::size_t at,
                                                        const ValueContext& context);

[[nodiscard]] bool env_name_start(char c);
[[nodiscard]] bool env_name_part(char c);

/// True for [A-Za-z_][A-Za-z0-9_]*: what a variable may be called.
[[nodiscard]] bool valid_env_name(std::string_view name);

}  // namespace workflow::client
