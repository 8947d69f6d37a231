#include "common/mask.h"

#include <algorithm>
#include <utility>

#include "common/json.h"

namespace workflow {
namespace {

constexpr std::size_t shortest = 4;

/// How many bytes at the end of `text` are the beginning of `value`, but not all of it.
std::size_t begun(std::string_view text, std::string_view value) {
  for (std::size_t n = std::min(text.size(), value.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == value.substr(0, n)) return n;
  }
  return 0;
}

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
  held_ = masked(std::move(held_));
  std::size_t keep = 0;
  for (const auto& value : values_) keep = std::max(keep, begun(held_, value));
  std::string out = held_.substr(0, held_.size() - keep);
  held_.erase(0, out.size());
  return out;
}

std::string Mask::rest() { return std::exchange(held_, std::string()); }

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
