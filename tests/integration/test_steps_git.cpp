// checkout from git: what is asked before anything is changed, what is in the way, submodules, LFS.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/step_space.h"

namespace workflow::test {
namespace {

void allow_files(StepSpace& at) {
  at.space.set("GIT_CONFIG_COUNT=1");
  at.space.set("GIT_CONFIG_KEY_0=protocol.file.allow");
  at.space.set("GIT_CONFIG_VALUE_0=always");
}

/// A second repository as a submodule `lib` of the first.
fs::path add_library(const StepSpace& at, const char* name) {
  const fs::path lib = at.space.dir() / name;
  at.git({"clone", "-q", at.origin().string(), lib.string()});
  real_files().write(lib / "lib.py", name, {.durable = false});
  at.git({"add", "-A"}, lib);
  at.git({"commit", "-qm", name}, lib);
  return lib;
}

}  // namespace

TEST_CASE("another commit than EXPECT_GIT_SHA changes nothing at all") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  const Captured refused = at.space.run({"checkout", "--expect-sha", std::string(12, 'a')});
  CHECK(refused.status.code == 7);
  CHECK(contains(refused.err, "nothing was changed"));
  CHECK_FALSE(fs::exists(at.copy()));
  CHECK(real_files().list(at.copy().parent_path()) ==
        std::vector<std::string>{".gitignore", "outputs", "project.env"});
}

TEST_CASE("a pull request that moved is followed, also when it was rewritten") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  at.git({"checkout", "-q", "-b", "wide"});
  const std::string first = at.commit("wide.py", "1\n");
  at.git({"update-ref", "refs/pull/7/head", first});
  REQUIRE(at.space.run({"checkout", "--pr", "7"}).status.code == 0);
  const std::string second = at.commit("wide.py", "2\n");
  at.git({"update-ref", "refs/pull/7/head", second});
  REQUIRE(at.space.run({"checkout", "--pr", "7"}).status.code == 0);
  CHECK(at.head() == second);
  at.git({"reset", "-q", "--hard", first});
  const std::string other = at.commit("other.py", "3\n");
  at.git({"update-ref", "refs/pull/7/head", other});
  const Captured moved = at.space.run({"checkout", "--pr", "7"});
  INFO(moved.err);
  REQUIRE(moved.status.code == 0);
  CHECK(at.head() == other);
  CHECK_FALSE(fs::exists(at.copy() / "refs"));
}

TEST_CASE("files that git does not know are never overwritten; changes are named") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  REQUIRE(at.space.run({"checkout"}).status.code == 0);
  real_files().write(at.copy() / "new.py", "mine\n", {.durable = false});
  const std::string before = at.head();
  at.commit("new.py", "theirs\n");
  const Captured refused = at.space.run({"checkout"});
  CHECK(refused.status.code == 9);
  CHECK(contains(refused.err, "would be overwritten"));
  CHECK(at.in_copy("new.py") == "mine\n");
  CHECK(at.head() == before);
  fs::remove(at.copy() / "new.py");
  REQUIRE(at.space.run({"checkout"}).status.code == 0);
  real_files().write(at.copy() / "a.py", "changed\n", {.durable = false});
  CHECK(contains(at.space.run({"checkout"}).err, "has changes: a.py"));
  const Captured forced = at.space.run({"checkout", "--force-clean"});
  CHECK(forced.status.code == 0);
  CHECK(contains(forced.err, "changes thrown away: a.py"));
}

TEST_CASE("a checkout that was killed between two commits is done again, without the user's loss") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "1\n");
  REQUIRE(at.space.run({"checkout"}).status.code == 0);
  const std::string next = at.commit("a.py", "2\n");
  at.commit("b.py", "b\n");
  // As git leaves it when it is killed: files of the new commit, the old index, its lock.
  at.git({"fetch", "-q"}, at.copy());
  real_files().write(at.copy() / "a.py", "2\n", {.durable = false});
  real_files().write(at.copy() / ".git/index.lock", "", {.durable = false});
  real_files().write(at.copy() / ".git/workflow-moving-to", next + "\n", {.durable = false});
  SECTION("nothing else was changed") {
    const Captured again = at.space.run({"checkout"});
    INFO(again.err);
    CHECK(again.status.code == 0);
    CHECK(at.in_copy("b.py") == "b\n");
    CHECK_FALSE(fs::exists(at.copy() / ".git/workflow-moving-to"));
  }
  SECTION("the user has changed something since") {
    real_files().write(at.copy() / "README", "mine\n", {.durable = false});
    const Captured refused = at.space.run({"checkout"});
    CHECK(refused.status.code == 9);
    CHECK(contains(refused.err, "README"));
    CHECK(at.in_copy("README") == "mine\n");
  }
}

TEST_CASE("a sweep records the code as it is, not as checkout left it") {
  StepSpace at;
  at.ready();
  const std::string first = at.commit("a.py", "1\n");
  at.space.set("TRAIN_COMMAND_TEMPLATE=true");
  at.space.write("sweep.csv", "run_id,seed\none,1\n");
  REQUIRE(at.space.run({"checkout"}).status.code == 0);
  const auto code = [&](const Json& started) {
    const fs::path dir = fs::path(".workflow/outputs/_campaigns") / text_at(started, "campaign");
    return text_at(parse_json(at.space.read(dir / "campaign.json"), "campaign"), "git_sha");
  };
  const Json clean = at.space.json({"sweep-start"});
  CHECK(code(member(clean, "data")) == first);
  CHECK(member(clean, "warnings").empty());
  REQUIRE(at.space.run({"sweep-watch"}).status.code == 0);
  real_files().write(at.copy() / "a.py", "2\n", {.durable = false});
  at.space.write("sweep.csv", "run_id,seed\ntwo,1\n");
  const Json changed = at.space.json({"sweep-start"});
  CHECK(code(member(changed, "data")).starts_with(first + "-dirty-"));
  CHECK(contains(dump_json(member(changed, "warnings")), "is not as checkout left it"));
  REQUIRE(at.space.run({"sweep-watch"}).status.code == 0);
}

TEST_CASE("submodules: a changed one is refused, a moved URL is followed") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  allow_files(at);
  const fs::path lib = add_library(at, "lib");
  const fs::path moved = add_library(at, "moved");
  at.git({"-c", "protocol.file.allow=always", "submodule", "--quiet", "add", lib.string(), "lib"});
  at.git({"commit", "-qm", "with a library"});
  const Captured first = at.space.run({"checkout"});
  INFO(first.err);
  REQUIRE(first.status.code == 0);
  CHECK(at.in_copy("lib/lib.py") == "lib");
  real_files().write(at.copy() / "lib/own.txt", "untracked\n", {.durable = false});
  CHECK(at.space.run({"checkout"}).status.code == 0);
  real_files().write(at.copy() / "lib/lib.py", "changed", {.durable = false});
  const Captured refused = at.space.run({"checkout"});
  CHECK(refused.status.code == 9);
  CHECK(contains(refused.err, "lib"));
  CHECK(at.in_copy("lib/lib.py") == "changed");
  CHECK(at.space.run({"checkout", "--force-clean"}).status.code == 0);
  CHECK(at.in_copy("lib/lib.py") == "lib");
  CHECK(at.in_copy("lib/own.txt") == "untracked\n");

  at.git({"fetch", "-q", moved.string()}, at.origin() / "lib");
  at.git({"checkout", "-q", "FETCH_HEAD"}, at.origin() / "lib");
  at.git({"config", "-f", ".gitmodules", "submodule.lib.url", moved.string()});
  at.git({"commit", "-qam", "the library has moved"});
  fs::rename(lib, lib.string() + ".gone");
  const Captured followed = at.space.run({"checkout"});
  INFO(followed.err);
  CHECK(followed.status.code == 0);
  CHECK(at.in_copy("lib/lib.py") == "moved");
}

TEST_CASE("files in Git LFS come as their data, wherever .gitattributes lies") {
  StepSpace at;
  at.ready();
  at.git({"lfs", "install", "--local"});
  real_files().make_dirs(at.origin() / "weights");
  real_files().write(at.origin() / "weights/.gitattributes", "*.bin filter=lfs -text\n",
                     {.durable = false});
  const std::string data(3000, 'w');
  const std::string first = at.commit("weights/w.bin", data);
  at.space.set("REPO_URL=file://" + at.origin().string());
  const Captured answer = at.space.run({"checkout"});
  INFO(answer.err);
  REQUIRE(answer.status.code == 0);
  CHECK(at.in_copy("weights/w.bin") == data);
  at.commit("weights/w.bin", data + "2");
  CHECK(at.space.run({"checkout"}).status.code == 0);
  CHECK(at.in_copy("weights/w.bin") == data + "2");

  fs::remove_all(at.copy());
  at.only_programs({"sh", "bash", "git", "uname", "id", "mkdir", "cat", "wc", "sha256sum", "chmod",
                    "mv", "rm", "cp", "env"});
  const Captured without = at.space.run({"checkout"});
  CHECK(without.status.code == 7);
  CHECK(contains(without.err, "'weights/.gitattributes'"));
  CHECK(contains(without.err, "apt-get install git-lfs"));
  CHECK_FALSE(fs::exists(at.copy() / "weights"));
  CHECK(first.size() == 40);
}

}  // namespace workflow::test
