#include <catch2/catch.hpp>

#include "tasks/free_space.h"
#include "tasks/mounts.h"
#include "tests/support/scratch.h"

namespace workflow::test {

using tasks::below_floor;

TEST_CASE("a disk below its floor says what is free and what the floor is") {
  const Scratch at;
  const auto space = tasks::space_at(at.path());
  REQUIRE(space);
  CHECK_FALSE(below_floor(at.path(), {.bytes = 1, .inodes = 1}));
  CHECK_FALSE(below_floor(at.path(), {}));
  const auto little = below_floor(at.path(), {.bytes = INT64_MAX});
  REQUIRE(little);
  CHECK(little->starts_with("the disk of '" + at.path().string() + "' has "));
  CHECK(little->ends_with(" is the floor (MIN_FREE_SPACE)"));
  // What is not there yet lies where its nearest parent lies.
  CHECK(below_floor(at / "not/yet", {.bytes = INT64_MAX}));
  if (space->free_inodes >= 0) {
    const auto names = below_floor(at.path(), {.bytes = 1, .inodes = INT64_MAX});
    REQUIRE(names);
    CHECK(names->find("has room for " + std::to_string(space->free_inodes / 100000)) !=
          std::string::npos);
  }
}

TEST_CASE("MIN_FREE_SPACE is the floor of the outputs, and of the local disk of local_sync") {
  const Scratch at;
  const auto site = [&](const std::string& floor, const std::string& mode) {
    const Json settings = {{"OPS_REMOTE_OUTPUTS_DIR", (at / "outputs").string()},
                           {"OPS_REMOTE_REPO", (at / "repo").string()},
                           {"RUN_OUT_LOCAL_ROOT", (at / "local").string()},
                           {"RUN_OUT_MODE", mode},
                           {"MIN_FREE_SPACE", floor}};
    return tasks::Site(real_files(), system_clock(), {{"settings", settings}});
  };
  CHECK_FALSE(short_of_space(site("0", "durable")));
  CHECK_FALSE(short_of_space(site("1", "local_sync")));
  const auto little = short_of_space(site("9000T", "durable"));
  REQUIRE(little);
  CHECK(little->find((at / "outputs").string()) != std::string::npos);
}

}  // namespace workflow::test
