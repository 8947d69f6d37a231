#include <catch2/catch.hpp>

#include "apps/workflow/printable.h"
#include "apps/workflow/text_table.h"
#include "common/json.h"

using namespace workflow;
using namespace workflow::app;

TEST_CASE("what a terminal obeys is shown and not obeyed") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"plain, ü, 漢, 🙂", "plain, ü, 漢, 🙂"},
      {"\033[2J\033]0;title\a", "\\x1b[2J\\x1b]0;title\\x07"},
      {"50 %\r100 %", "50 %\\r100 %"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"a\tb", "a\tb"},
      {"a\nb", "a\\nb"},
      {"\x7f\b", "\\x7f\\x08"},
      {"\u009b31m", "\\x9b31m"},
      {"\u202egpj.exe\u202c \u2066x\u2069", "\\u202egpj.exe\\u202c \\u2066x\\u2069"},
      {"\u200b\u2028\ufeff", "\\u200b\\u2028\\ufeff"},
      {"\xff\xc3(\xe2\x82", "\uFFFD\uFFFD(\uFFFD\uFFFD"},
      {"\U000E0041", "\\ue0041"}};
  for (const auto& [text, shown] : rows) {
    INFO(shown);
    CHECK(printable(text, {}) == shown);
    CHECK(printable(shown, {}) == shown);
  }
  CHECK(printable("a\nb\r", {.lines = true}) == "a\nb\\r");
}

TEST_CASE("every byte and every pair of bytes come out as text that moves nothing") {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string out =
          printable(std::string{static_cast<char>(a), static_cast<char>(b)}, {});
      for (const char c : out) {
        const auto code = static_cast<unsigned char>(c);
        if ((code < 0x20 && c != '\t') || code == 0x7F) FAIL(a << " " << b);
      }
      if (out.find("\xC2\x9B") != std::string::npos) FAIL(a << " " << b);
    }
  }
}

TEST_CASE("our own colours pass, and a mark is theirs alone") {
  const std::string red = std::string{paint_mark, '5'} + "x" + paint_mark + '0';
  CHECK(printable(red, {.painted = true}) == red);
  CHECK(printable(red, {}) == "\uFFFD5x\uFFFD0");
  CHECK(text_width(red) == 1);
  CHECK(clipped(red + "yyyy", 3) == red + "y…" + paint_mark + '0');
}

TEST_CASE("JSON keeps its meaning") {
  const Json value = {{"text", "\u009b31m \u202e ü \033 \x7f \U000E0041 🙂"}};
  const std::string safe = printable_json(dump_json(value));
  CHECK(parse_json(safe, "safe") == value);
  CHECK(safe.find("\u009b") == std::string::npos);
  CHECK(safe.find("\u202e") == std::string::npos);
  CHECK(safe.find('\x7f') == std::string::npos);
}
