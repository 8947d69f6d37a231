#pragma once

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "common/text.h"
#include "tasks/process.h"
#include "tests/support/crash_at.h"
#include "tests/support/eventually.h"
#include "tests/support/memory_disk.h"
#include "tests/support/workspace.h"

// One command, killed at every instant in turn, and what must be true whatever was killed.
namespace workflow::test {

/// A workspace whose tmux opens no window: its server would outlive every round.
class CrashSpace : public Workspace {
 public:
  explicit CrashSpace(const std::string& settings = {}) : Workspace(in_memory(settings)) {
    write("tools/tmux", "#!/bin/sh\n[ \"$1\" = -V ] && echo tmux 3.3a\n");
    fs::permissions(dir() / "tools/tmux", fs::perms::owner_all);
    set("PATH=" + (dir() / "tools").string() + ":" + std::getenv("PATH"));
  }

 private:
  static const std::string& in_memory(const std::string& settings) {
    (void)use_memory_disk();
    return settings;
  }
};

/// What is crashed.
class CrashScenario {
 public:
  virtual ~CrashScenario() = default;
  [[nodiscard]] virtual const Workspace& space() const = 0;
  /// Makes all ready for one more round; the command that will be crashed.
  virtual std::vector<std::string> begin(int round) = 0;
  /// Everything that was started has ended, and nobody has looked yet: no record may claim more.
  virtual void check_quiet() {}
  /// Repeats the command until its work is done, and checks every promise.
  virtual void finish(const CrashPoint& point, const std::string& client) = 0;
};

/// Every record can be read, and every change of the state stands in the log, in order.
inline void check_records(const Workspace& space) {
  for (const auto& entry : fs::recursive_directory_iterator(space.outputs())) {
    const fs::path& file = entry.path();
    if (!entry.is_regular_file() || file.filename().string().front() == '.') continue;
    INFO(file.string());
    if (file.extension() == ".json") CHECK_NOTHROW(parse_json(read_file(file), file.string()));
  }
  std::int64_t revision = 0;
  const fs::path log = space.outputs() / "_control/workflow_log.jsonl";
  for (const auto& line : split(trim(real_files().read(log).value_or("")), '\n')) {
    if (line.empty()) continue;
    const Json change = parse_json(line, "log");
    INFO(line);
    CHECK(number_at(change, "revision") == revision + 1);
    revision = number_at(change, "revision");
  }
  // The line of the last change is written by the next one, when a crash kept it out.
  const std::int64_t recorded = number_at(space.state(), "revision");
  CHECK((revision == recorded || revision == recorded - 1));
}

class CrashRounds {
 public:
  /// Every instant when WORKFLOW_THOROUGH is set, else every `stride`-th.
  CrashRounds(CrashScenario& scenario, int stride)
      : scenario_(scenario), stride_(std::getenv("WORKFLOW_THOROUGH") != nullptr ? 1 : stride) {}

  /// All roles, before and after each call, until the scenario passes untouched. How many points
  /// there were.
  int run() {
    int points = 0;
    for (const Role role : all_roles) {
      const int before = points;
      for (const bool after : {false, true}) {
        // Another offset each, so that small strides still meet every kind of call.
        int nth = 1 + (points + (after ? stride_ / 2 : 0)) % stride_;
        for (; round({role, nth, after}); nth += stride_) points += 1;
      }
      std::cout << name(role) << " " << points - before << ", ";
    }
    std::cout << "together " << points << " points in " << round_ << " rounds\n";
    return points;
  }

 private:
  static constexpr std::int64_t limit_ms = 60'000;

  /// False when the point was never reached: the command went through untouched.
  bool round(const CrashPoint& point) {
    const Workspace& space = scenario_.space();
    const std::vector<std::string> words = scenario_.begin(++round_);
    const std::string out = "client.txt";
    space.write(out, "");
    CrashAt crash(program(words, out), point);
    INFO(join(words, " ") << ": round " << round_ << ", " << point.text());
    // Half of the time the same command meets what is left at work, half of the time a corpse.
    REQUIRE(crash.decided(limit_ms));
    if (!point.after) {
      REQUIRE(crash.quiet(limit_ms));
      INFO("killed at " << crash.last_call() << "; the client said: " << space.read(out));
      check_client(crash, point, space.read(out));
      scenario_.check_quiet();
    }
    INFO("killed at " << crash.last_call() << "; the client said: " << space.read(out));
    scenario_.finish(point, space.read(out));
    REQUIRE(crash.quiet(limit_ms));
    check_client(crash, point, space.read(out));
    check_records(space);
    REQUIRE(tasks_left().empty());
    return crash.struck();
  }

  [[nodiscard]] SpawnSpec program(std::vector<std::string> words, const std::string& out) const {
    const Workspace& space = scenario_.space();
    const fs::path file = space.dir() / out;
    out_.reset(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    words.insert(words.begin(), workflow_program());
    SpawnSpec spec;
    spec.argv = std::move(words);
    spec.env = space.environment();
    spec.workdir = space.dir();
    spec.out = spec.err = out_.get();
    return spec;
  }

  /// A client that was not killed itself says what it knows: never a bug, never a wait for ever.
  static void check_client(const CrashAt& crash, const CrashPoint& point, const std::string& said) {
    INFO(said);
    const auto end = crash.program_end();
    REQUIRE(end);
    if (point.role == Role::client && crash.struck()) return;
    REQUIRE(end->code);
    CHECK(*end->code != 70);
    CHECK(*end->code < 124);
    CHECK(said.find("bug") == std::string::npos);
  }

  [[nodiscard]] std::vector<std::string> tasks_left() const {
    std::vector<std::string> left;
    (void)eventually([&] {
      left.clear();
      for (const auto& process : tasks::carrying("HOME=" + scenario_.space().home().string())) {
        left.push_back(tasks::command_line(process.pid));
      }
      return left.empty();
    });
    return left;
  }

  CrashScenario& scenario_;
  int stride_;
  int round_ = 0;
  mutable UniqueFd out_;
};

}  // namespace workflow::test
