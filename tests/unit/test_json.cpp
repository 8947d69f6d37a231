#include <catch2/catch.hpp>

#include <string>

#include "common/error.h"
#include "common/files.h"
#include "common/json.h"
#include "common/json_lines.h"
#include "tests/support/scratch.h"

using namespace workflow;

TEST_CASE("what is wrong with JSON is told in plain words, with the place") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "it is empty"},
      {" \n", "it is empty"},
      {"{\"a\":", "it ends too early, at byte 5"},
      {"{\"a\": 1,\n \"b\": x}", "line 2, column 7 (byte 16): 'x' does not belong there"},
      {"[1] 2", "line 1, column 5 (byte 5): '2' does not belong there"},
      {"\"\xff\"", "line 1, column 2 (byte 2): a byte that is not UTF-8 does not belong there"},
      {"\"\x01\"", "line 1, column 2 (byte 2): the control character 1 does not belong there"},
      {"1e999", "it holds a number that is too big"}};
  for (const auto& [text, fault] : rows) {
    INFO(text);
    CHECK(json_fault(text) == fault);
    try {
      (void)parse_json(text, "the/file.json");
      FAIL("it was taken for JSON");
    } catch (const Error& error) {
      CHECK(error.code() == Code::precondition);
      CHECK(std::string(error.what()) == "'the/file.json' is not valid JSON: " + fault);
    }
  }
  CHECK(json_fault("{\"a\":[1,null]}").empty());
}

TEST_CASE("JSON lines outlive a line that was cut short") {
  const test::Scratch scratch;
  const fs::path file = scratch / "lines.jsonl";
  Files& files = real_files();
  append_json_line(files, file, {{"n", 1}});
  files.append(file, "{\"n\":");
  append_json_line(files, file, {{"n", 2}});
  files.append(file, "{\"n\":3}");  // whole, but for its newline
  std::vector<long long> seen;
  each_json_line(files.read(file).value(),
                 [&](const Json& line) { seen.push_back(number_at(line, "n")); });
  CHECK(seen == std::vector<long long>{1, 2, 3});
}

TEST_CASE("a symlink below the root is refused, the root itself may be one") {
  const test::Scratch scratch;
  fs::create_directories(scratch / "real/in");
  fs::create_directory_symlink(scratch / "real", scratch / "root");
  fs::create_directory_symlink(scratch / "real/in", scratch / "real/link");
  CHECK_NOTHROW(require_no_symlink(scratch / "root", scratch / "root/in/not/there"));
  CHECK_NOTHROW(require_no_symlink(scratch / "root/", scratch / "root/in"));
  for (const char* name : {"root/link", "root/link/below"}) {
    INFO(name);
    CHECK_THROWS_AS(require_no_symlink(scratch / "root", scratch / name), Error);
  }
}

TEST_CASE("a document that is nested without end is refused before it is built") {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  CHECK(parse_json(nested(200), "x").is_array());
  CHECK_THROWS_AS(parse_json(nested(3'000'000), "x"), Error);
  CHECK(parse_json("\"\\\"" + std::string(1000, '[') + "\"", "x").is_string());
}
