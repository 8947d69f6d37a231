#include "common/json.h"

#include "common/error.h"

namespace workflow {

Json parse_json(std::string_view text, std::string_view source) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& fault) {
    throw Error(Code::precondition,
                "'" + std::string(source) + "' is not valid JSON: " + fault.what());
  }
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
  return value.is_number() ? value.get<long long>() : fallback;
}

bool flag_at(const Json& object, std::string_view key, bool fallback) {
  const Json& value = member(object, key);
  return value.is_boolean() ? value.get<bool>() : fallback;
}

}  // namespace workflow
