#include "common/mask.h"

#include <algorithm>
#include <utility>

#include "common/json.h"

namespace workflow {
namespace {

constexpr std::size_t shortest = 4;

}  // namespace

Mask::Mask(std::vector<std::string> values) : values_(std::move(values)) {
  std::erase_if(values_, [](const auto& value) { return value.size() < shortest; });
  // A longer value may hold a shorter one: it goes first.
  std::sort(values_.begin(), values_.end(),
            [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string Mask::masked(std::string text) const {
  for (const auto& value : values_) {
    for (std::size_t at = 0; (at = text.find(value, at)) != std::string::npos; at += 3) {
      text.replace(at, value.size(), "***");
    }
  }
  return text;
}

std::string Mask::feed(std::string_view bytes) {
  held_ += bytes;
  std::string out;
  std::size_t at = 0;
  while (at < held_.size()) {
    const std::string_view rest = std::string_view(held_).substr(at);
    // A longer value that may still come whole goes before a shorter one that has.
    const auto value = std::find_if(values_.begin(), values_.end(), [&](const std::string& one) {
      return rest.substr(0, one.size()) == std::string_view(one).substr(0, rest.size());
    });
    if (value != values_.end() && rest.size() < value->size()) break;
    if (value == values_.end()) {
      out.push_back(rest.front());
      at += 1;
    } else {
      out += "***";
      at += value->size();
    }
  }
  held_.erase(0, at);
  return out;
}

std::string Mask::rest() { return masked(std::exchange(held_, std::string())); }

void Mask::apply(Json& json) const {
  if (json.is_string()) json = masked(json.get<std::string>());
  if (json.is_array()) {
    for (auto& item : json) apply(item);
  }
  if (json.is_object()) {
    Json out = Json::object();
    for (auto& [key, value] : json.items()) {
      apply(value);
      out[masked(key)] = std::move(value);
    }
    json = std::move(out);
  }
}

}  // namespace workflow
