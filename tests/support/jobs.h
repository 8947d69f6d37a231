#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/answers.h"
#include "tests/support/tasks.h"
#include "tests/support/workspace.h"

namespace workflow::test {

/// A user's project, a git repository of a few files, and what job-* commands make of it. The
/// target is this machine unless words say otherwise; its home is the workspace's.
struct Jobs {
  Workspace space;

  explicit Jobs(const std::string& settings = {}) : space(settings) {
    space.write(".gitignore", "*\n!a.py\n!sub/\n!sub/*\n");
    space.write("a.py", "print('hello from a')\n");
    space.write("sub/uv.lock", "one\n");
    git({"init", "-q"});
    commit("first");
  }

  void git(std::vector<std::string> words) const {
    CaptureSpec spec;
    spec.argv = {"git", "-C", space.dir().string(), "-c", "user.name=t", "-c", "user.email=t@t"};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    spec.env = space.environment();
    const Captured done = capture(spec);
    INFO(done.err);
    REQUIRE(done.ok());
  }
  void commit(const std::string& message) const {
    git({"add", "-A"});
    git({"commit", "-qm", message});
  }

  [[nodiscard]] Captured run(std::vector<std::string> words) const {
    words.insert(words.begin(), "job-run");
    return space.run(std::move(words));
  }
  [[nodiscard]] fs::path workspace() const { return space.home() / ".workflow" / "workspace"; }
  /// job.json of a job on this machine.
  [[nodiscard]] Json record(const std::string& id) const {
    return parse_json(read_file(space.task_dir(id) / "job.json"), "job.json");
  }
  [[nodiscard]] Json step(const std::string& id, std::size_t index) const {
    return member(record(id), "steps").at(index);
  }
};

}  // namespace workflow::test
