#include <catch2/catch.hpp>

#include "client/env_file.h"

using workflow::Error;
using workflow::client::EnvFile;
using workflow::client::parse_env_file;

namespace {

std::optional<std::string> environment(std::string_view name) {
  if (name == "HOME") return "/home/ana";
  if (name == "BASE") return "from the environment";
  return std::nullopt;
}

EnvFile parse(std::string_view bytes) { return parse_env_file(bytes, "w.env", environment); }

/// The value of the only key.
std::string value_of(std::string_view bytes) {
  const EnvFile file = parse(bytes);
  REQUIRE(file.entries.size() == 1);
  return file.entries[0].value;
}

/// The faults as they are printed, without the closing count.
std::string faults(std::string_view bytes) {
  try {
    (void)parse(bytes);
  } catch (const Error& error) {
    REQUIRE(error.code() == workflow::Code::usage);
    const std::string text = error.what();
    return text.substr(0, text.rfind('\n') + 1);
  }
  return "";
}

}  // namespace

TEST_CASE("env file: plain, exported, quoted and joined values") {
  CHECK(value_of("A=1") == "1");
  CHECK(value_of("  export\tA=1\n") == "1");
  CHECK(value_of("A=") == "");
  CHECK(value_of("A=   # nothing") == "");
  CHECK(value_of("A=a#b # c") == "a#b");
  CHECK(value_of("A=\"a b\"  # c") == "a b");
  CHECK(value_of("A='$(rm -rf x) `id` ${NO} \\'") == "$(rm -rf x) `id` ${NO} \\");
  CHECK(value_of(R"(A="\"\\\$x")") == "\"\\$x");
  CHECK(value_of(R"(A="x"'y'z)") == "xyz");
  CHECK(value_of("A=~/données/*?[1]!=%") == "~/données/*?[1]!=%");
  CHECK(value_of("export=1") == "1");
  CHECK(parse("").entries.empty());
  CHECK(parse("\n  \t\n# A=1\n  # $(x)\n").entries.empty());
}

TEST_CASE("env file: variables come from further up, then from the environment") {
  CHECK(value_of("A=${HOME}/x") == "/home/ana/x");
  CHECK(value_of("A=\"${HOME} '${HOME}'\"") == "/home/ana '/home/ana'");
  CHECK(parse("BASE=file\nA=${BASE}\n").entries[1].value == "file");
  CHECK(parse("A=${BASE}\nBASE=file\n").entries[0].value == "from the environment");
  CHECK(parse("E='$(id)'\nA=${E}\n").entries[1].value == "$(id)");
}

TEST_CASE("env file: BOM, CRLF and a missing last newline") {
  const EnvFile file = parse(
      "\xEF\xBB\xBF"
      "A=1\r\nB='x y'\r\n\r\nC=3");
  REQUIRE(file.entries.size() == 3);
  CHECK(file.entries[0].key == "A");
  CHECK(file.entries[1].value == "x y");
  CHECK(file.entries[2].line == 4);
  CHECK(file.entries[2].column == 3);
  CHECK(faults("\xEF\xBB\xBF"
               "A=$B\r\n") ==
        "w.env:1:3: write ${B} instead of $B; single quotes leave it to the command's own shell\n");
}

TEST_CASE("env file: a key set twice keeps the later value and warns") {
  const EnvFile file = parse("A=1\nB=2\nexport A=3\n");
  REQUIRE(file.entries.size() == 2);
  CHECK(file.entries[1].value == "3");
  REQUIRE(file.warnings.size() == 1);
  CHECK(file.warnings[0].text() == "w.env:3:8: 'A' is set twice; this line wins over line 1");
}

TEST_CASE("env file: every fault has its place and a way out") {
  struct Row {
    std::string_view bytes;
    std::string expected;
  };
  const std::string control = std::string("A=1\nB=x") + '\0' + "y";
  // The formatter would pad every row to the longest.
  // clang-format off
  const Row rows[] = {
      {"A=$(rm -rf x)", "1:3: $(…) is not run here; write its result, or use single quotes"},
      {"A=\"é $(id)\"", "1:6: $(…) is not run here; write its result, or use single quotes"},
      {"A=x`id`",
       "1:4: a command in backticks is not run here; write its result, or use single quotes"},
      {"A=\"`id`\"",
       "1:4: a command in backticks is not run here; write its result, or use single quotes"},
      {"A=$HOME/x", "1:3: write ${HOME} instead of $HOME; single quotes leave it to the command's own shell"},
      {"A=x$", "1:4: '$' without ${VAR}; for the character itself use single quotes"},
      {"A=$'x'", "1:3: '$' without ${VAR}; for the character itself use single quotes"},
      {"A=a/${NO}", "1:5: ${NO} is not set; set NO further up or in the environment"},
      {"A=${HOME:-x}", "1:3: only ${NAME} is understood, with no operator in the braces"},
      {"A=${HOME", "1:3: only ${NAME} is understood, with no operator in the braces"},
      {"A=${}", "1:3: only ${NAME} is understood, with no operator in the braces"},
      {"A=\"x", "1:3: double quote opened here is never closed"},
      {"A=\"x\\\"", "1:3: double quote opened here is never closed"},
      {"A=\"x\\", "1:3: double quote opened here is never closed"},
      {"A=b'x", "1:4: single quote opened here is never closed"},
      {"A=\"x\nB=\"y\"", "1:3: double quote opened here is never closed"},
      {"A=\"x\ny z\n\"\nB=$C",
       "1:3: a double-quoted value over several lines; a value must be on one line\n"
       "w.env:4:3: write ${C} instead of $C; single quotes leave it to the command's own shell"},
      {"A='x\ny'", "1:3: a single-quoted value over several lines; a value must be on one line"},
      {R"(A="\n")", R"(1:4: unknown escape; only \" \\ \$ are known, write \\ for a backslash)"},
      {"A=a\\ b", "1:4: backslash outside quotes; put the value in single quotes"},
      {"A=a;b", "1:4: ';' outside quotes; put the value in single quotes"},
      {"A=x|y", "1:4: '|' outside quotes; put the value in single quotes"},
      {"A=my value", "1:6: a second word; a value with spaces needs quotes around the whole of it"},
      {"A=1 B=2", "1:5: a second word; a value with spaces needs quotes around the whole of it"},
      {"A=\"x\" y", "1:7: a second word; a value with spaces needs quotes around the whole of it"},
      {"A= v", "1:3: space behind '='; write KEY=VALUE without spaces"},
      {"KEY = v", "1:4: space before '='; write KEY=VALUE without spaces"},
      {"A+=v", "1:2: '+=' is not understood; write the whole value behind '='"},
      {"1A=v", "1:1: '1A' is no key; a key is letters, digits and '_'"},
      {"export my-key=v", "1:8: 'my-key' is no key; a key is letters, digits and '_'"},
      {"=v", "1:1: '' is no key; a key is letters, digits and '_'"},
      {"  source x.env",
       "1:3: not KEY=VALUE; this file is read, never executed: set a key or remove the line"},
      {"rm -rf x",
       "1:1: not KEY=VALUE; this file is read, never executed: set a key or remove the line"},
      {"if [ a = b ]; then",
       "1:1: not KEY=VALUE; this file is read, never executed: set a key or remove the line"},
      {"export A",
       "1:8: not KEY=VALUE; this file is read, never executed: set a key or remove the line"},
      {"export ", "1:8: 'export' of nothing; write export KEY=VALUE"},
      {control, "2:4: a NUL byte; save the file as UTF-8 text"},
      {"A='\x1b[31m'", "1:4: control character 0x1b; remove it"},
  };
  // clang-format on
  for (const auto& row : rows) {
    INFO(row.bytes);
    CHECK(faults(row.bytes) == "w.env:" + row.expected + "\n");
  }
}

TEST_CASE("env file: all faults are told at once, and a faulty key's uses are none") {
  const std::string text = faults("A=$(x)\nB=${A}/y\n\nC = 1\nD=\"$X ${NO} \\t\"\nE=1\n");
  CHECK(text ==
        "w.env:1:3: $(…) is not run here; write its result, or use single quotes\n"
        "w.env:4:2: space before '='; write KEY=VALUE without spaces\n"
        "w.env:5:4: write ${X} instead of $X; single quotes leave it to the command's own shell\n"
        "w.env:5:7: ${NO} is not set; set NO further up or in the environment\n"
        "w.env:5:13: unknown escape; only \\\" \\\\ \\$ are known, write \\\\ for a backslash\n");
  try {
    (void)parse("A=`x`\nB=$C\n");
    FAIL("no fault");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).ends_with("\n2 faults, nothing was done"));
    CHECK(error.details().find(R"("line":2,"column":3)") != std::string::npos);
  }
}
