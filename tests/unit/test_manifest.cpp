#include <catch2/catch.hpp>
#include <chrono>

#include "common/sha256.h"
#include "sweep/csv_lines.h"
#include "sweep/manifest.h"

using namespace std::string_literals;
using workflow::Code;
using workflow::Error;
using workflow::sha256_hex;
using workflow::sweep::manifest_faults;
using workflow::sweep::manifest_template;
using workflow::sweep::ManifestRules;
using workflow::sweep::parse_manifest;

namespace {

const std::string head = "run_id,config,seed,overrides,notes\n";

std::vector<std::string> faults(const std::string& text, ManifestRules rules = {}) {
  std::vector<std::string> out;
  for (const auto& fault : manifest_faults(text, "s.csv", rules)) out.push_back(fault.text());
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a manifest is read with columns in any order") {
  const auto rows = parse_manifest(
                        "env,seed,run_id,max_retries,config,timeout_secs,gpus,overrides,notes\n"
                        "A=1 B='x y',-7,r.1,0,c.py,15m,1/2,\"a=1,2 t=\"\"x y\"\"\", hi there \n"
                        ",,r2,,c.py,,,,\n",
                        "s.csv", {})
                        .rows;
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].line == 2);
  CHECK(rows[0].run_id == "r.1");
  CHECK(rows[0].config == "c.py");
  CHECK(rows[0].seed == -7);
  CHECK(rows[0].overrides == "a=1,2 t=\"x y\"");
  CHECK(rows[0].notes == "hi there");
  CHECK(rows[0].gpus == "1/2");
  CHECK(rows[0].timeout_secs == 900);
  CHECK(rows[0].max_retries == 0);
  CHECK(rows[0].env == Texts{"A=1", "B=x y"});
  CHECK(rows[1].seed == 0);
  CHECK_FALSE(rows[1].timeout_secs);
  CHECK_FALSE(rows[1].max_retries);
  CHECK(rows[1].env.empty());
}

TEST_CASE("a row's hash is that of its JSON array and of nothing else") {
  const auto row = [](const std::string& line) {
    return parse_manifest("run_id,config,seed,overrides,env,notes,gpus\n" + line, "s.csv", {})
        .rows.at(0)
        .sha256;
  };
  CHECK(row("a,c.py,1,x=é,K=V,,\n") == sha256_hex("[\"a\",\"c.py\",1,\"x=é\",[\"K=V\"]]"));
  CHECK(row("a,c.py,1,x=é,K=V,,\n") == row("a,c.py,+1,x=é,\"K=V\",other notes,all\n"));
  CHECK(row("a,c.py,,,,,\n") == sha256_hex("[\"a\",\"c.py\",0,\"\",[]]"));
}

TEST_CASE("byte order mark, CRLF, comments, blank lines and a missing last newline are fine") {
  const auto rows = parse_manifest(
                        "\xEF\xBB\xBF# a \"comment\r\n\r\n  \t\r\nrun_id,config\r\n#x\r\na,c\r\n"
                        "\r\n\"b\" ,\t\"c\"",
                        "s.csv", {})
                        .rows;
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].line == 6);
  CHECK(rows[0].config == "c");
  CHECK(rows[1].line == 8);
  CHECK(rows[1].run_id == "b");
  CHECK(rows[1].config == "c");
}

TEST_CASE("values travel unchanged") {
  const std::string big = "x=" + std::string(100 * 1024, 'y');
  const auto rows = parse_manifest(head + "a,c,1,'$(rm -rf /) `x` ${HOME}',\"\"\"q\"\", ü 漢\"\n" +
                                       "b,c,1," + big + ",\n" + "c,c,1,\"\",\"a\"\"\"\"b\"\n",
                                   "s.csv", {})
                        .rows;
  CHECK(rows[0].overrides == "'$(rm -rf /) `x` ${HOME}'");
  CHECK(rows[0].notes == "\"q\", ü 漢");
  CHECK(rows[1].overrides == big);
  CHECK(rows[2].overrides.empty());
  CHECK(rows[2].notes == "a\"\"b");
}

TEST_CASE("every fault is told at once, in line order") {
  const std::string text =
      "run_id,config,seed,override,notes\n"
      "a,c,0,,\n"
      "# comment\n"
      "b,c,one,,\n"
      "c,c,1,\"lr=1,\n"
      "a,c,0,,\n"
      "d,,1.5,,\n";
  CHECK(faults(text) ==
        Texts{"s.csv:1:20: unknown column 'override'; did you mean 'overrides'?",
              "s.csv:4:5: seed 'one' is not an integer",
              "s.csv:5:7: quote opened here is never closed: override \"lr=1,",
              "s.csv:6:1: run_id 'a' stands already in line 2",
              "s.csv:7:3: config is empty; it is needed unless TRAIN_COMMAND_TEMPLATE is set",
              "s.csv:7:4: seed '1.5' is not an integer"});
  try {
    (void)parse_manifest(text, "s.csv", {});
    FAIL("no fault was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == Code::usage);
    CHECK_THAT(error.what(), Catch::EndsWith("6 faults, nothing was sent"));
    CHECK_THAT(error.details(), Catch::Contains("\"column\":20"));
  }
}

TEST_CASE("faults of the header") {
  CHECK(faults("") == Texts{"s.csv: no header line; the first line names the columns, such as "
                            "run_id,config,seed,overrides,notes"});
  CHECK(faults("#only\n\n").size() == 1);
  CHECK(faults("name,seed\nx,1\n") == Texts{"s.csv:1:1: unknown column 'name'",
                                            "s.csv:1:1: missing column 'run_id'",
                                            "s.csv:1:1: missing column 'config'"});
  CHECK(faults("Run_ID,config\nx,c\n") ==
        Texts{"s.csv:1:1: unknown column 'Run_ID'; did you mean 'run_id'?"});
  CHECK(faults("run_id,config, seed,seed,\nx,c,1,2,\n") ==
        Texts{"s.csv:1:21: column 'seed' stands twice", "s.csv:1:26: column 5 has no name"});
  CHECK(faults("\n#c\nrun_id,seed\nx,1\n") == Texts{"s.csv:3:1: missing column 'config'"});
  CHECK(faults("run_id,seed\nx,1\n", {.config_required = false}).empty());
  CHECK(faults(head + "x,,1,,\n", {.config_required = false}).empty());
  CHECK(faults(head) == Texts{"s.csv:1: no rows below the header; nothing would run"});
  CHECK(faults("run_id,\"config\na,b\n") ==
        Texts{"s.csv:1:8: quote opened here is never closed: \"config"});
}

TEST_CASE("faults of quoting have the quote's place") {
  CHECK(faults(head + "a,c,1,x=\"y\",\n") ==
        Texts{"s.csv:2:9: quote inside a field that does not start with one; put the whole field "
              "in quotes and write each quote inside it twice"});
  CHECK(faults(head + "a,c,1,\"x\"y,\n") ==
        Texts{"s.csv:2:10: text after the closing quote: \"x\"y,; a quote inside quotes is written "
              "twice"});
  CHECK(faults(head + "a,c,1,\"x\r\n\r\ny\",\"n\"\r\nb,c,z,,\n") ==
        Texts{"s.csv:2:7: line break inside quotes (closed in line 4); a row is one line: "
              "overrides \"x",
              "s.csv:5:5: seed 'z' is not an integer"});
  CHECK(faults(head + "a,c,1,\"x,\nb,c,1,\"y=\"\"1\"\"\",\nc,c,q,,\n") ==
        Texts{"s.csv:2:7: quote opened here is never closed: overrides \"x,",
              "s.csv:4:5: seed 'q' is not an integer"});
  CHECK(faults(head + "a,c,1,,\"").at(0) ==
        "s.csv:2:8: quote opened here is never closed: notes \"");
  CHECK(faults(head + "a,c,1,,\"\n\"").at(0) ==
        "s.csv:2:8: line break inside quotes (closed in line 3); a row is one line: notes \"");
}

TEST_CASE("faults of bytes and counts") {
  CHECK(faults(head + "a,c,1,x\0y,\n"s) ==
        Texts{"s.csv:2:8: NUL byte; no argument of a program can hold one"});
  CHECK(faults(head + "a,c,1,ü\xC3(,\n") ==
        Texts{"s.csv:2:9: not UTF-8 from here on; save the file as UTF-8"});
  CHECK(faults(head + "a,c,1,,\xE6\xBC").at(0).substr(0, 9) == "s.csv:2:8");
  CHECK(faults(head + "a,c,1,x\ry,\n") ==
        Texts{"s.csv:2:8: carriage return inside a line; lines end with LF or CRLF"});
  CHECK(faults(head + "a,c,1,betas=1,2,n\n") ==
        Texts{"s.csv:2:17: 6 fields where the header has 5; a value with a comma in it needs "
              "quotes"});
  CHECK(faults(head + "a\n") ==
        Texts{"s.csv:2:2: 1 field where the header has 5; an empty field still needs its comma"});
  CHECK(faults(head + "a,c,1," + std::string(2 << 20, 'x') + ",\n") ==
        Texts{"s.csv:2:1048577: the line is longer than 1 MiB"});
  CHECK(faults("#\xFF\n" + head + "a,c,1,,\n").empty());
}

TEST_CASE("faults of values") {
  const std::string wide = "run_id,config,gpus,timeout_secs,max_retries,env,overrides\n";
  CHECK(faults(wide + "a/b,c,,,,,\n") ==
        Texts{"s.csv:2:1: run_id 'a/b' is not a valid id: a letter or digit, then at most 127 of "
              "A-Z a-z 0-9 . _ -"});
  CHECK(faults(wide + " ,c,,,,,\n") == Texts{"s.csv:2:2: run_id is empty"});
  for (const char* good : {"1", "8", "1/1", "1/4", "all", ""}) {
    CHECK(faults(wide + "a,c," + good + ",,,,\n").empty());
  }
  for (const char* bad : {"0", "-1", "2/4", "1/0", "1/", "half", "1.5", "+1", "ALL"}) {
    CHECK(faults(wide + "a,c," + bad + ",,,,\n") ==
          Texts{"s.csv:2:5: gpus '" + std::string(bad) + "' is none of N, 1/N (N from 1), all"});
  }
  CHECK(faults(wide + "a,c,,soon,,,\n") ==
        Texts{"s.csv:2:6: timeout_secs 'soon' is no duration such as 90, 90s, 15m, 2h, 1d"});
  CHECK(faults(wide + "a,c,,-1,-1,,\n").size() == 2);
  CHECK(faults(wide + "a,c,,,many,,\n") ==
        Texts{"s.csv:2:7: max_retries 'many' is not an integer from 0 to 1000"});
  CHECK(faults(wide + "a,c,,,,K=V 1K=2 x =y,\n") ==
        Texts{"s.csv:2:8: env word '1K=2' is not NAME=VALUE",
              "s.csv:2:8: env word 'x' is not NAME=VALUE",
              "s.csv:2:8: env word '=y' is not NAME=VALUE"});
  CHECK(faults(wide + "a,c,,,,K='V,\n") ==
        Texts{"s.csv:2:8: env does not split into words, a quote or backslash is open: K='V"});
  CHECK(faults(wide + "a,c,,,,,x='y\n") ==
        Texts{"s.csv:2:9: overrides do not split into words, a quote or backslash is open: x='y"});
  CHECK(faults("run_id,config,seed\na,c,99999999999999999999\n") ==
        Texts{"s.csv:2:5: seed '99999999999999999999' is not an integer"});
  CHECK(faults("run_id,config,seed\n\xC3\xA9\x1b[2J,c,1\n").at(0).find('\x1b') ==
        std::string::npos);
}

TEST_CASE("the template is a manifest without faults") {
  CHECK(faults(manifest_template()).empty());
  CHECK(parse_manifest(manifest_template(), "t.csv", {}).rows.size() == 4);
}

TEST_CASE("ten thousand rows are read quickly") {
  std::string text = head;
  for (int i = 0; i < 10000; ++i) {
    text += "run-" + std::to_string(i) + ",config/base.py," + std::to_string(i) +
            ",\"lr=1e-3 betas=0.9,0.95 tag='a b'\",note\n";
  }
  const auto start = std::chrono::steady_clock::now();
  const auto manifest = parse_manifest(text, "s.csv", {});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK(manifest.rows.size() == 10000);
  CHECK(manifest.rows.back().run_id == "run-9999");
  CHECK(manifest.rows.back().line == 10001);
  CHECK(took.count() < 2.0);  // 0.1 s in practice; wide enough for a sanitizer's build
}
