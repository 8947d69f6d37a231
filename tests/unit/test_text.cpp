#include "common/text.h"

#include <catch2/catch.hpp>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/sha256.h"

using namespace workflow;

TEST_CASE("words are split as a POSIX shell splits them, and nothing is expanded") {
  struct Row {
    std::string text;
    std::vector<std::string> words;
  };
  const std::vector<Row> rows = {
      {"", {}},
      {"  \t\n ", {}},
      {"a b  c", {"a", "b", "c"}},
      {"a\\ b", {"a b"}},
      {"'a b' \"c d\"", {"a b", "c d"}},
      {"a'b'\"c\"d", {"abcd"}},
      {"'' \"\"", {"", ""}},
      {"\"\\\"\\\\\\$\\`\"", {"\"\\$`"}},
      {"\"\\n\"", {"\\n"}},
      {"'\\n'", {"\\n"}},
      {"a\\\nb", {"ab"}},
      {"\"a\\\nb\"", {"ab"}},
      {"$HOME $(x) `y` * ~ {a,b}", {"$HOME", "$(x)", "`y`", "*", "~", "{a,b}"}},
      {"# not a comment", {"#", "not", "a", "comment"}},
      {"lr=1e-3 x;y", {"lr=1e-3", "x;y"}},
  };
  for (const auto& row : rows) {
    INFO(row.text);
    const auto words = split_words(row.text);
    REQUIRE(words);
    CHECK(*words == row.words);
  }
  for (const char* open : {"'", "\"", "a 'b", "\"a\\\"", "a\\", "\\"}) {
    INFO(open);
    CHECK_FALSE(split_words(open));
  }
}

TEST_CASE("what is quoted for a shell is split back to the same word") {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& word :
       {all, std::string(), std::string("-n"), std::string("it's"), std::string("a b")}) {
    const auto words = split_words(shell_quote(word));
    REQUIRE(words);
    CHECK(*words == std::vector<std::string>{word});
  }
}

TEST_CASE("durations, sizes and integers") {
  CHECK(parse_duration("90") == 90);
  CHECK(parse_duration("90s") == 90);
  CHECK(parse_duration("15m") == 900);
  CHECK(parse_duration("2h") == 7200);
  CHECK(parse_duration(" 1d ") == 86400);
  CHECK(parse_duration("0") == 0);
  for (const char* bad : {"", "s", "-1", "1.5h", "1 h", "1w", "1hh", "0x10", "99999999999999999d",
                          "9223372036854775"}) {
    INFO(bad);
    CHECK_FALSE(parse_duration(bad));
  }
  CHECK(parse_size("10") == 10);
  CHECK(parse_size("2K") == 2048);
  CHECK(parse_size("10G") == 10LL << 30);
  CHECK(parse_size("1T") == 1LL << 40);
  for (const char* bad : {"", "G", "-1G", "1.5G", "99999999999T"}) CHECK_FALSE(parse_size(bad));
  CHECK(parse_integer("-7") == -7);
  CHECK(parse_integer("+7") == 7);
  for (const char* bad : {"", "+", "-", "+-7", "7 ", "9223372036854775808"}) {
    CHECK_FALSE(parse_integer(bad));
  }
  CHECK(human_duration(59) == "59 s");
  CHECK(human_duration(61) == "1 min 1 s");
  CHECK(human_duration(3600) == "1 h");
  CHECK(human_duration(90061) == "1 d 1 h");
}

TEST_CASE("UTF-8 is told from what is not, and a cut character is found") {
  for (const char* good :
       {"", "a", "\xc3\xbc", "\xe2\x9c\x93", "\xf0\x9f\x90\x88", "\xed\x9f\xbf"}) {
    CHECK(valid_utf8(good));
    CHECK(whole_utf8(good) == std::string(good).size());
  }
  // Overlong, surrogate, above U+10FFFF, alone, cut.
  for (const char* bad : {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
                          "\xff", "\xc3", "\xe2\x9c"}) {
    CHECK_FALSE(valid_utf8(bad));
  }
  CHECK(whole_utf8("ab\xe2\x9c") == 2);
  CHECK(whole_utf8("ab\xf0\x9f\x90") == 2);
  CHECK(whole_utf8("ab\xc3") == 2);
  CHECK(whole_utf8("ab\xff") == 3);
  CHECK(whole_utf8("ab\x80\x80\x80") == 5);
}

TEST_CASE("base64 of RFC 4648, and every length comes back") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  std::string bytes;
  for (int n = 0; n < 300; ++n) {
    CHECK(unbase64(base64(bytes)) == bytes);
    bytes += static_cast<char>(n * 37);
  }
  for (const char* bad : {"Zg", "Zg=", "Z!==", "Zg\n=", "====", "A===", "Zg==Zg=="}) {
    INFO(bad);
    CHECK_FALSE(unbase64(bad));
  }
}

TEST_CASE("SHA-256 of FIPS 180-4") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const std::string million(1'000'000, 'a');
  CHECK(sha256_hex(million) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  Sha256 pieces;
  for (std::size_t at = 0; at < million.size(); at += 37) {
    pieces.update(std::string_view(million).substr(at, 37));
  }
  CHECK(pieces.hex() == sha256_hex(million));
}

TEST_CASE("ids") {
  for (const char* good : {"a", "0", "a.b_c-d", "checkout-3"}) CHECK(valid_id(good));
  for (const char* bad : {"", ".", "..", ".a", "-a", "_a", "a/b", "a b", "a\n", "\xc3\xbc"}) {
    CHECK_FALSE(valid_id(bad));
  }
  CHECK(valid_id(std::string(128, 'a')));
  CHECK_FALSE(valid_id(std::string(129, 'a')));
  CHECK_THROWS_WITH(require_id("task", "../x"), "task '../x' is not a valid id");
}

TEST_CASE("times come back as they were written") {
  for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{1'700'000'000'042}}) {
    CHECK(parse_utc(utc_text(ms)) == ms);
  }
  CHECK(utc_text(0) == "1970-01-01T00:00:00.000Z");
  CHECK(utc_stamp(1'769'903'999'000) == "20260131T235959Z");
  for (const char* bad :
       {"", "yesterday", "2026-01-31", "2026-13-31T00:00:00.000Z", "2026-01-31T23:59:59.042Zx"}) {
    INFO(bad);
    CHECK_FALSE(parse_utc(bad));
  }
}

TEST_CASE("printing JSON never fails, whatever bytes stand in it") {
  CHECK(dump_json({{"a", "\xff"}}) == "{\"a\":\"\xef\xbf\xbd\"}");
  CHECK_THROWS_AS(parse_json("{\"a\":", "file.json"), Error);
  CHECK_THROWS_WITH(parse_json("", "file.json"), Catch::Contains("'file.json'"));
}
