#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/json_fwd.h"

// Parsing and printing are compiled once, here; every other file only builds and reads values.
namespace workflow {

/// Parses one JSON document; a fault is Error(Code::precondition) that names `source`.
[[nodiscard]] Json parse_json(std::string_view text, std::string_view source);

/// What is wrong with a text that is not JSON, and where; empty when it is JSON.
[[nodiscard]] std::string json_fault(std::string_view text);

/// One line of JSON. Bytes that are not UTF-8 become U+FFFD, so that printing never fails.
[[nodiscard]] std::string dump_json(const Json& value);

/// Two-space indented JSON with a final newline: the form of every record on disk.
[[nodiscard]] std::string pretty_json(const Json& value);

/// A member as text; `fallback` where it is absent, null or not a string.
[[nodiscard]] std::string text_at(const Json& object, std::string_view key,
                                  std::string_view fallback = {});

/// A member as a number; `fallback` where it is absent or not a number.
[[nodiscard]] long long number_at(const Json& object, std::string_view key, long long fallback = 0);

/// A member as a truth value; `fallback` where it is absent or not a boolean.
[[nodiscard]] bool flag_at(const Json& object, std::string_view key, bool fallback = false);

/// A member that is an object or array; null where it is absent.
[[nodiscard]] const Json& member(const Json& object, std::string_view key);
/// The same of a value that is about to go: a copy, so that a loop over it is safe.
[[nodiscard]] inline Json member(Json&& object, std::string_view key) {
  return member(static_cast<const Json&>(object), key);
}

}  // namespace workflow
