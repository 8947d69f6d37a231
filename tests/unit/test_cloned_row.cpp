#include <catch2/catch.hpp>

#include "common/error.h"
#include "common/text.h"
#include "sweep/cloned_row.h"

using namespace workflow;
using namespace workflow::sweep;

namespace {

using Words = std::vector<std::string>;

Row parent() {
  return parse_manifest(
             "run_id,config,seed,overrides,notes,gpus,timeout_secs,max_retries,env\n"
             "base,config/a.py,3,\"lr=0.1 tag='two words' --deep=1 lr=0.2\",\"a, b\",1/2,15m,2,"
             "A=1 B='x y'\n",
             "sweep.csv")
      .rows.front();
}

Row cloned(const Words& set) { return cloned_row(parent(), {.run_id = "base-c2", .set = set}, {}); }

std::string refusal(const Words& set) {
  try {
    (void)cloned(set);
  } catch (const Error& fault) {
    return code_name(fault.code()).data() + std::string(": ") + fault.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a clone without changes has its parent's values under its own name") {
  const Row row = cloned({});
  CHECK(row.run_id == "base-c2");
  CHECK(row.config == "config/a.py");
  CHECK(row.seed == 3);
  CHECK(row.overrides == parent().overrides);
  CHECK(row.notes == "a, b");
  CHECK(row.gpus == "1/2");
  CHECK(row.timeout_secs == 900);
  CHECK(row.max_retries == 2);
  CHECK(row.env == Words{"A=1", "B=x y"});
  CHECK(row.sha256 != parent().sha256);
}

TEST_CASE("a key of the overrides is replaced where it stands, a new one comes last") {
  CHECK(split_words(cloned({"lr=3e-4"}).overrides) ==
        Words{"lr=3e-4", "tag=two words", "--deep=1"});
  CHECK(split_words(cloned({"--deep=2"}).overrides) ==
        Words{"lr=0.1", "tag=two words", "--deep=2", "lr=0.2"});
  CHECK(split_words(cloned({"wd=0", "wd=0.5"}).overrides)->back() == "wd=0.5");
}

TEST_CASE("every byte of a value arrives as a word of its own") {
  for (const std::string value : {"two words", "it's", "a\"b", "$HOME `id`", "a;b|c&d", "", "é=ü",
                                  "\\", "a\tb", "#no", "*", "~"}) {
    INFO(value);
    CHECK(split_words(cloned({"tag=" + value}).overrides)->at(1) == "tag=" + value);
    CHECK(cloned({"env.T=" + value}).env.back() == "T=" + value);
  }
}

TEST_CASE("columns are set by their names") {
  const Row row = cloned({"config=config/b.py", "seed=-7", "gpus=all", "timeout_secs=2h",
                          "max_retries=0", "notes=why, indeed", "env.A=2", "env.NEW=3"});
  CHECK(row.config == "config/b.py");
  CHECK(row.seed == -7);
  CHECK(row.gpus == "all");
  CHECK(row.timeout_secs == 7200);
  CHECK(row.max_retries == 0);
  CHECK(row.notes == "why, indeed");
  CHECK(row.env == Words{"A=2", "B=x y", "NEW=3"});
}

TEST_CASE("a value that no row may have is refused by the manifest's own rules") {
  CHECK(refusal({"seed=one"}) == "usage: no such row can be: seed 'one' is not an integer");
  CHECK(refusal({"gpus=lots"}) ==
        "usage: no such row can be: gpus 'lots' is none of N, 1/N (N from 1), all");
  CHECK(refusal({"config="}).find("config is empty") != std::string::npos);
  CHECK(refusal({"env.9=1"}).find("not NAME=VALUE") != std::string::npos);
  CHECK(refusal({"tag=a\nb"}).starts_with("usage: no such row can be: "));
  CHECK(refusal({"lr"}) == "usage: --set 'lr' is not key=value");
  CHECK(refusal({"run_id=x"}) == "usage: --set cannot name the clone");
}

TEST_CASE("a warm start is told to the clone alone") {
  const Row row = cloned_row(parent(), {.run_id = "w", .warm_start = "/out of/base"}, {});
  CHECK(row.env.back() == "WF_WARM_START_FROM=/out of/base");
  // A clone of a warm clone begins from its own parent.
  const Row again = cloned_row(row, {.run_id = "w2", .warm_start = "/other"}, {});
  CHECK(again.env.size() == row.env.size());
  CHECK(again.env.back() == "WF_WARM_START_FROM=/other");
}

TEST_CASE("the first name that is free") {
  CHECK(clone_name("a", [](const std::string&) { return false; }) == "a-c2");
  CHECK(clone_name("a", [](const std::string& id) { return id == "a-c2" || id == "a-c3"; }) ==
        "a-c4");
}
