#include <catch2/catch.hpp>

#include "common/error.h"
#include "sweep/selection.h"

using workflow::Code;
using workflow::Error;
using workflow::sweep::Manifest;
using workflow::sweep::select_rows;
using workflow::sweep::Selection;
using workflow::sweep::selection_from;
using workflow::sweep::selection_json;

namespace {

using Indices = std::vector<std::size_t>;

Manifest manifest() {
  Manifest out;
  for (const char* id : {"base-s0", "base-s1", "lr3-s0", "lr3-s1", "wide.s0"}) {
    out.rows.emplace_back();
    out.rows.back().run_id = id;
  }
  return out;
}

Indices selected(const Selection& selection) { return select_rows(manifest(), selection); }

std::string refusal(const Selection& selection, const Manifest& rows = manifest()) {
  try {
    (void)select_rows(rows, selection);
  } catch (const Error& error) {
    CHECK(error.code() == Code::usage);
    return std::string(error.what()) + " | " + error.hint();
  }
  return "selected";
}

}  // namespace

TEST_CASE("selection by match, start and limit") {
  CHECK(selected({}) == Indices{0, 1, 2, 3, 4});
  CHECK(selected({.match = "s0"}) == Indices{0, 2, 4});
  CHECK(selected({.match = "e.s"}) == Indices{4});
  CHECK(selected({.match = "/e.s[01]$/"}) == Indices{0, 1, 4});
  CHECK(selected({.match = "/^(base|lr3)-s1$/"}) == Indices{1, 3});
  CHECK(selected({.match = "/lr\\d-s[^1]$/"}) == Indices{2});
  CHECK(selected({.match = "/wide\\.s/"}) == Indices{4});
  CHECK(selected({.match = "//"}) == Indices{0, 1, 2, 3, 4});
  CHECK(selected({.start_at = "lr3-s0"}) == Indices{2, 3, 4});
  CHECK(selected({.match = "s0", .start_at = "base-s1"}) == Indices{2, 4});
  CHECK(selected({.match = "s0", .start_at = "base-s1", .limit = 1}) == Indices{2});
  CHECK(selected({.limit = 2}) == Indices{0, 1});
  CHECK(selected({.limit = 99}).size() == 5);
}

TEST_CASE("rows by name, narrowed by the other words, and told as they are kept") {
  CHECK(selected({.only = {"lr3-s1", "base-s0"}}) == Indices{0, 3});
  CHECK(selected({.match = "lr3", .only = {"lr3-s1", "base-s0"}}) == Indices{3});
  CHECK(selected({.limit = 1, .only = {"lr3-s1", "base-s0"}}) == Indices{0});
  CHECK(selected({.start_at = "base-s1", .only = {"lr3-s1", "base-s0"}}) == Indices{3});
  CHECK(refusal({.only = {"base-s0", "lr3-s7"}}) ==
        "--only 'lr3-s7' is no run_id of the manifest | did you mean 'lr3-s0'?");
  CHECK(refusal({.match = "wide", .only = {"base-s0"}}) ==
        "no row is selected: SWEEP_MATCH and SWEEP_START_AT leave none of the rows named | unset "
        "them, or name other rows");
  const Selection asked{.match = "s", .limit = 3, .only = {"b", "a", "b"}, .retry_failed = true};
  const Selection kept = selection_from(selection_json(asked));
  CHECK(kept.only == std::vector<std::string>{"a", "b"});
  CHECK(kept == selection_from(selection_json(kept)));
  CHECK(kept != Selection{});
  CHECK(selection_from(workflow::Json()) == Selection{});
}

TEST_CASE("a selection that cannot be meant is refused by name") {
  CHECK(refusal({.start_at = "lr3-s2"}) ==
        "SWEEP_START_AT 'lr3-s2' is no run_id of the manifest | did you mean 'lr3-s0'?");
  CHECK(refusal({.start_at = "lr3"}).find("SWEEP_START_AT 'lr3' is no run_id") == 0);
  CHECK(refusal({.match = "nosuch"})
            .find("no row is selected: SWEEP_MATCH 'nosuch' matches none of 5 rows") == 0);
  CHECK(refusal({.match = "base", .start_at = "wide.s0"})
            .find("no row is selected: SWEEP_MATCH 'base' matches 2 of 5 rows, all before "
                  "SWEEP_START_AT 'wide.s0'") == 0);
  CHECK(refusal({.match = "/(/"}).find("SWEEP_MATCH '/(/' is not a regular expression") == 0);
  CHECK(refusal({.match = "/"}).find("no row is selected") == 0);
  CHECK(refusal({.limit = -1}).find("SWEEP_LIMIT -1 is negative") == 0);
  CHECK(refusal({}, Manifest{}) == "no row is selected: the manifest has none | ");
}
