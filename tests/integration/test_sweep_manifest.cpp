#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/workspace.h"

using namespace workflow;
using namespace workflow::test;

namespace {

constexpr const char* faulty =
    "run_id,config,seed,override\n"
    "a,c.py,one,\n"
    "a,c.py,1,\n"
    "b,c.py,2,\"x\n";

bool sent_nothing(const Workspace& space) { return !fs::exists(space.dir() / ".workflow"); }

}  // namespace

TEST_CASE("every fault of a manifest is told at once and nothing is sent") {
  const Workspace space;
  space.write("sweep.csv", faulty);
  for (const char* command : {"sweep-check", "sweep-start"}) {
    INFO(command);
    const Captured plain = space.run({command});
    CHECK(plain.status.code == 2);
    CHECK(plain.out.empty());
    INFO(plain.err);
    CHECK(plain.err.find("sweep.csv:1:20: unknown column 'override'; did you mean 'overrides'?") !=
          std::string::npos);
    CHECK(plain.err.find("sweep.csv:2:8: seed 'one' is not an integer") != std::string::npos);
    CHECK(plain.err.find("sweep.csv:3:1: run_id 'a' stands already in line 2") !=
          std::string::npos);
    CHECK(plain.err.find("sweep.csv:4:10: ") != std::string::npos);
    CHECK(plain.err.find("4 faults, nothing was sent") != std::string::npos);

    const Json document = space.json({command});
    CHECK_FALSE(flag_at(document, "ok"));
    const Json error = member(document, "error");
    CHECK(text_at(error, "code") == "usage");
    CHECK(number_at(error, "exit_code") == 2);
    const Json faults = member(error, "faults");
    REQUIRE(faults.size() == 4);
    CHECK(number_at(faults[1], "line") == 2);
    CHECK(number_at(faults[1], "column") == 8);
    CHECK(text_at(faults[1], "message") == "seed 'one' is not an integer");
    CHECK(text_at(faults[1], "file").find("sweep.csv") != std::string::npos);
    CHECK(sent_nothing(space));
  }
}

TEST_CASE("a good manifest is counted, and a selection that fits nothing is a fault") {
  const Workspace space;
  space.write("sweep.csv", "\xEF\xBB\xBFrun_id,config\r\na1,c.py\r\n\r\n# b\r\na2,c.py");
  CHECK(space.run({"sweep-check"}).out.find("2 rows, no faults") != std::string::npos);
  const Json data = space.data({"sweep-check", "--match", "2"});
  CHECK(number_at(data, "rows") == 2);
  CHECK(member(data, "selected") == Json::array({"a2"}));
  CHECK(space.run({"sweep-check", "--start-at", "nosuch"}).status.code == 2);
  CHECK(space.run({"sweep-check", "--csv", "nosuch.csv"}).status.code == 6);
  CHECK(sent_nothing(space));
}

TEST_CASE("the template is a good manifest and never replaces a file") {
  const Workspace space;
  CHECK(space.run({"sweep-csv-template"}).status.code == 0);
  const std::string bytes = space.read("sweep.csv");
  CHECK(space.run({"sweep-check"}).status.code == 0);
  const Json again = space.json({"sweep-csv-template"});
  CHECK(number_at(member(again, "error"), "exit_code") == 8);
  CHECK(space.read("sweep.csv") == bytes);
  CHECK(space.run({"sweep-csv-template", "--csv", "other.csv"}).status.code == 0);
  CHECK(space.read("other.csv") == bytes);
}
