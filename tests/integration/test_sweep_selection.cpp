// Which rows are meant: the same words in every command, and only what failed once more.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/sweeps.h"

using namespace workflow;
using namespace workflow::test;

namespace {

constexpr const char* unless_mended = "test -e \"$HOME/mended\"";

std::string ids(const Json& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.push_back(text_at(row, "run_id"));
  return join(names, " ");
}

struct Refused {
  int code = 0;
  std::string error;
};

Refused refused(const Sweeps& sweeps, const std::vector<std::string>& words) {
  const Captured done = sweeps.space.run(words);
  return {done.status.code.value_or(-1), done.err};
}

}  // namespace

TEST_CASE("--only names rows of the manifest, in check, start, status, results and fetch") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a"}, {.run_id = "b"}, {.run_id = "c"}, {.run_id = "d"}});
  CHECK(dump_json(member(sweeps.space.data({"sweep-check", "--only", "c,a"}), "selected")) ==
        R"(["a","c"])");
  const Refused unknown = refused(sweeps, {"sweep-start", "--only", "a,dd"});
  CHECK(unknown.code == 2);
  CHECK(unknown.error.find("--only 'dd' is no run_id of the manifest") != std::string::npos);
  CHECK(sweeps.starts() == 0);

  CHECK(sweeps.run_to_end({"--only", "c", "--only", "b,a"}) == "SWEEP_COMPLETED");
  CHECK(ids(member(sweeps.status(), "runs")) == "a b c");
  CHECK(sweeps.starts("d") == 0);

  const auto shown = [&](std::vector<std::string> words) {
    return ids(member(sweeps.space.data(std::move(words)), "runs"));
  };
  CHECK(shown({"sweep-status", "--only", "c,a"}) == "a c");
  CHECK(shown({"sweep-status", "--match", "b"}) == "b");
  CHECK(shown({"sweep-status", "--start-at", "b", "--limit", "1"}) == "b");
  CHECK(number_at(member(sweeps.space.data({"sweep-status", "--only", "c"}), "counts"), "total") ==
        1);
  CHECK(refused(sweeps, {"sweep-status", "--only", "d"}).code == 2);
  CHECK(ids(member(sweeps.space.data({"sweep-results", "--match", "/[ac]/"}), "rows")) == "a c");
  CHECK(shown({"fetch-all", "--only", "b,c"}) == "b c");
  CHECK(shown({"fetch-all", "--only", "ok", "--match", "a"}) == "a");
}

TEST_CASE("--retry-failed starts what did not end well, and nothing else") {
  const Sweeps sweeps("SWEEP_MAX_RETRIES=0\n");
  sweeps.manifest({{.run_id = "good"},
                   {.run_id = "bad", .command = unless_mended},
                   {.run_id = "slow",
                    .command = unless_mended + std::string(" || sleep 600"),
                    .timeout_secs = "1"},
                   {.run_id = "later", .command = unless_mended}});
  const Refused before = refused(sweeps, {"sweep-start", "--retry-failed"});
  CHECK(before.code == 6);
  CHECK(before.error.find("no sweep was started here") != std::string::npos);
  CHECK(sweeps.run_to_end({"--only", "good,bad,slow"}) == "SWEEP_COMPLETED");
  const std::string first = text_at(member(sweeps.status(), "campaign"), "id");
  CHECK(refused(sweeps, {"sweep-start", "--retry-failed", "--only", "bad"}).code == 2);
  CHECK(dump_json(member(sweeps.space.data({"sweep-start", "--retry-failed", "--dry-run"}),
                         "run")) == R"(["bad","slow"])");

  sweeps.space.write("home/mended", "");
  CHECK(sweeps.run_to_end({"--retry-failed"}) == "SWEEP_COMPLETED");
  CHECK(text_at(member(sweeps.status(), "campaign"), "id") != first);
  CHECK(ids(member(sweeps.status(), "runs")) == "bad slow");
  CHECK(sweeps.starts("good") == 1);
  CHECK(sweeps.starts("bad") == 2);
  CHECK(sweeps.starts("later") == 0);

  const Refused none = refused(sweeps, {"sweep-start", "--retry-failed"});
  CHECK(none.code == 6);
  CHECK(none.error.find("nothing to try again: no row of") != std::string::npos);
}

TEST_CASE("the same --retry-failed again attaches to the retry that is going") {
  const Sweeps sweeps("SWEEP_MAX_RETRIES=0\n");
  sweeps.manifest({{.run_id = "good"},
                   {.run_id = "held",
                    .command = "test $WF_ATTEMPT -gt 1 || test -e \"$HOME/again\" || exit 1; " +
                               std::string(until_released)}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  sweeps.space.write("home/again", "");
  const Json retry = sweeps.start({"--retry-failed"});
  REQUIRE(sweeps.waits_for_start("held", 2));
  const Json again = sweeps.start({"--retry-failed"});
  CHECK(text_at(again, "campaign") == text_at(retry, "campaign"));
  CHECK_FALSE(flag_at(again, "created", true));
  CHECK(refused(sweeps, {"sweep-start"}).code == 5);  // all rows are another selection
  sweeps.release();
  CHECK(sweeps.end_state() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts("held") == 2);
}

TEST_CASE("SWEEP_FORCE moves a run of other values aside, as --force does") {
  const Sweeps sweeps;
  sweeps.manifest({{.run_id = "a"}});
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  sweeps.manifest({{.run_id = "a", .command = "echo other"}});
  CHECK(refused(sweeps, {"sweep-start"}).code == 8);
  sweeps.space.write("workflow.env", sweeps.space.read("workflow.env") + "SWEEP_FORCE=1\n");
  CHECK(sweeps.run_to_end() == "SWEEP_COMPLETED");
  CHECK(sweeps.starts("a") == 2);
  CHECK(fs::exists(sweeps.space.outputs() / "_bak/a"));
}
