#include "apps/workflow/printable.h"

#include <array>
#include <cstdio>

#include "common/text.h"

namespace workflow::app {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t length = 1;
  bool broken = false;
};

Character first_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (text.size() < length || !valid_utf8(text.substr(0, length))) return {0xFFFD, 1, true};
  char32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  return {code, length};
}

/// A terminal obeys it or is led astray by it: C0 and C1, marks and overrides of direction, line
/// and paragraph separators, invisible tags.
bool obeyed(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF ||
         (c >= 0xE0000 && c < 0xE0080);
}

std::string spelled(char32_t c, const char* short_form) {
  std::array<char, 16> out{};
  std::snprintf(out.data(), out.size(), c < 0x100 ? short_form : "\\u%04x",
                static_cast<unsigned>(c));
  return out.data();
}

}  // namespace

std::string printable(std::string_view text, Keep keep) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const bool mark = keep.painted && text[0] == paint_mark && text.size() > 1;
    const Character c = mark ? Character{'m', 2} : first_of(text);
    if (c.broken) {
      out += "\xEF\xBF\xBD";
    } else if (obeyed(c.code) && c.code != '\t' && !(c.code == '\n' && keep.lines)) {
      out += c.code == '\n' ? "\\n" : c.code == '\r' ? "\\r" : spelled(c.code, "\\x%02x");
    } else {
      out += text.substr(0, c.length);
    }
    text.remove_prefix(c.length);
  }
  return out;
}

std::string printable_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Character c = first_of(json);
    // Below 0x20 JSON has escaped them itself; beyond 0xFFFF it would take two.
    if (c.code >= 0x20 && c.code <= 0xFFFF && !c.broken && obeyed(c.code)) {
      out += spelled(c.code, "\\u%04x");
    } else {
      out += json.substr(0, c.length);
    }
    json.remove_prefix(c.length);
  }
  return out;
}

}  // namespace workflow::app
