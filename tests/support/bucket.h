#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/s3fs.h"
#include "tests/support/workspace.h"

namespace workflow::test {

/// A workspace whose outputs directory is on the fake.
class Bucket {
 public:
  explicit Bucket(const std::string& settings = {}) : space(settings), s3(space.outputs()) {}

  Workspace space;
  FakeS3fs s3;

  [[nodiscard]] fs::path live() const {
    const Json state = space.data({"fsm-status"});
    return text_at(member(state, "mirror"), "live_root");
  }
  [[nodiscard]] fs::path behind(const std::string& name) const { return s3.backing() / name; }
  [[nodiscard]] bool mirrors(const fs::path& live, const std::string& name) const {
    const auto there = [&] { return real_files().read(behind(name)).value_or("(absent)"); };
    return eventually_is(there, read_file(live / name));
  }
  /// Another machine with the same volume: another home.
  void new_pod() {
    fs::rename(space.home(), space.dir() / ("home-before-" + random_hex(2)));
    fs::create_directories(space.home());
  }
  /// The pod that wrote the mirror has stopped long ago.
  void age_stamp() const {
    const fs::path file = behind("_control/mirror.json");
    Json stamp = parse_json(read_file(file), "stamp");
    stamp["written_at"] = "2026-01-01T00:00:00.000Z";
    real_files().write(file, pretty_json(stamp));
  }
};

}  // namespace workflow::test
