#include "common/json.h"

#include <algorithm>
#include <cmath>

#include "common/error.h"
#include "common/text.h"

namespace workflow {

namespace {

/// `line 3, column 5 (byte 42)`, counted from 1.
std::string place_of(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte - 1);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  const std::size_t column =
      newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + " (byte " +
         std::to_string(byte) + ")";
}

std::string fault_at(std::string_view text, std::size_t byte) {
  if (trim(text).empty()) return "it is empty";
  if (byte > text.size()) return "it ends too early, at byte " + std::to_string(text.size());
  const char c = text[byte - 1];
  const auto code = static_cast<unsigned char>(c);
  std::string what = code >= 0x80                  ? "a byte that is not UTF-8"
                     : code < 0x20 || code == 0x7F ? "the control character " + std::to_string(code)
                                                   : "'" + std::string(1, c) + "'";
  return place_of(text, byte) + ": " + what + " does not belong there";
}

/// Deeper ones are nobody's, and would end us where they are read or written level by level.
constexpr int deepest = 256;

bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '[' || c == '{')) {
      if (++depth > deepest) return true;
    } else if (!quoted && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::string json_fault(std::string_view text) {
  try {
    [[maybe_unused]] const Json whole = Json::parse(text);
    return {};
  } catch (const Json::parse_error& fault) {
    return fault_at(text, std::max<std::size_t>(fault.byte, 1));
  } catch (const Json::exception&) {
    return "it holds a number that is too big";
  }
}

Json parse_json(std::string_view text, std::string_view source) {
  if (too_deep(text)) {
    throw Error(Code::precondition, "'" + std::string(source) + "' is nested too deep");
  }
  Json value = Json::parse(text, nullptr, false);
  if (!value.is_discarded()) return value;
  throw Error(Code::precondition,
              "'" + std::string(source) + "' is not valid JSON: " + json_fault(text));
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string pretty_json(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

const Json& member(const Json& object, std::string_view key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto it = object.find(std::string(key));
  return it == object.end() ? nothing : *it;
}

std::string text_at(const Json& object, std::string_view key, std::string_view fallback) {
  const Json& value = member(object, key);
  return value.is_string() ? value.get_ref<const std::string&>() : std::string(fallback);
}

long long number_at(const Json& object, std::string_view key, long long fallback) {
  const Json& value = member(object, key);
  // A fraction or a power beyond what an integer holds has no value of its own there.
  constexpr double beyond = 9e18;
  if (value.is_number_float() && !(std::abs(value.get<double>()) < beyond)) return fallback;
  return value.is_number() ? value.get<long long>() : fallback;
}

bool flag_at(const Json& object, std::string_view key, bool fallback) {
  const Json& value = member(object, key);
  return value.is_boolean() ? value.get<bool>() : fallback;
}

}  // namespace workflow
