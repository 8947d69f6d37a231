// push: this machine's tree as a snapshot on the target, and the working copy that is made of it.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/far_space.h"
#include "tests/support/step_space.h"

namespace workflow::test {
namespace {

/// A workspace that is a git repository itself, whose checkout is a push.
struct Pushes {
  StepSpace at;

  Pushes() {
    at.space.set("CHECKOUT_SOURCE=push");
    at.space.set("PUSH_UNTRACKED=1");
    at.space.write(".gitignore", "/home/\n/tools/\n/repo/\nvenvs\nignored\n/workflow.env\n");
    at.space.write("train.py", "print(1)\n");
    at.space.write("pkg/deep/m.py", "m\n");
    here({"init", "-q"});
    here({"symbolic-ref", "HEAD", "refs/heads/main"});
    here({"add", "-A"});
    here({"commit", "-qm", "first"});
    at.ready();
  }
  std::string here(const std::vector<std::string>& words) const {
    return at.git(words, at.space.dir());
  }
  [[nodiscard]] Json claim() const {
    return member(member(at.space.state(), "claims"), "checkout");
  }
};

}  // namespace

TEST_CASE("push ships what git knows and does not ignore, once") {
  const Pushes pushes;
  const Workspace& space = pushes.at.space;
  space.write("new.py", "not added\n");
  space.write("ignored", "x");
  space.write(".venv/x", "x");
  space.write("pkg/.env", "KEY=1");
  fs::create_symlink("train.py", space.dir() / "link");
  const Json first = space.data({"push"});
  CHECK(number_at(first, "files") == 6);
  CHECK(number_at(first, "sent_files") == 5);  // a link has no content
  CHECK(flag_at(first, "dirty"));
  CHECK(text_at(first, "head") == pushes.here({"rev-parse", "HEAD"}));
  const fs::path snapshot = text_at(first, "snapshot");
  CHECK(read_file(snapshot / "new.py") == "not added\n");
  CHECK(fs::read_symlink(snapshot / "link") == "train.py");
  CHECK_FALSE(fs::exists(snapshot / "ignored"));
  CHECK_FALSE(fs::exists(snapshot / ".venv"));
  CHECK(text_at(space.state(), "state") == "BOOTSTRAPPED");

  const Captured again = space.run({"push"});
  CHECK(contains(again.out, "there already"));
  CHECK(contains(again.err, "perhaps secret: pkg/.env"));
  space.write("train.py", "print(2)\n");
  const Json changed = space.data({"push"});
  CHECK(text_at(changed, "tree") != text_at(first, "tree"));
  CHECK(number_at(changed, "sent_files") == 1);
  CHECK(read_file(fs::path(text_at(changed, "snapshot")) / "pkg/deep/m.py") == "m\n");
  CHECK(read_file(snapshot / "train.py") == "print(1)\n");
}

TEST_CASE("checkout brings the working copy to the pushed tree, and the user's own files stay") {
  const Pushes pushes;
  const StepSpace& at = pushes.at;
  at.space.write("run.sh", "#!/bin/sh\n");
  fs::permissions(at.space.dir() / "run.sh", fs::perms(0755));
  const Captured first = at.space.run({"checkout"});
  INFO(first.err);
  REQUIRE(first.status.code == 0);
  CHECK(contains(first.out, "pushed tree "));
  CHECK(contains(first.out, " with changes), venv ready"));
  CHECK(at.in_copy("train.py") == "print(1)\n");
  struct stat info {};
  REQUIRE(::stat((at.copy() / "run.sh").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0755);
  const std::string head = pushes.here({"rev-parse", "HEAD"});
  CHECK(text_at(pushes.claim(), "git_sha").starts_with(head + "-dirty-"));

  at.space.write(".workflow/repo/out/model.bin", "mine");
  fs::remove_all(at.space.dir() / "pkg");
  at.space.write("train.py", "print(2)\n");
  pushes.here({"add", "-A"});
  pushes.here({"commit", "-qm", "second"});
  REQUIRE(at.space.run({"checkout"}).status.code == 0);
  CHECK(at.in_copy("train.py") == "print(2)\n");
  CHECK_FALSE(fs::exists(at.copy() / "pkg"));
  CHECK(at.in_copy("out/model.bin") == "mine");
  CHECK(fs::exists(at.copy() / ".venv/bin/python"));
  CHECK(text_at(pushes.claim(), "git_sha") == pushes.here({"rev-parse", "HEAD"}));
  CHECK(at.venvs_made() == 1);
}

TEST_CASE("changes made on the target are refused, or thrown away when asked for") {
  const Pushes pushes;
  const StepSpace& at = pushes.at;
  REQUIRE(at.space.run({"checkout"}).status.code == 0);
  const std::string change = GENERATE("changed", "deleted", "program", "in the way");
  CAPTURE(change);
  const fs::path file = at.copy() / "train.py";
  if (change == "changed") real_files().write(file, "print(3)\n", {.durable = false});
  if (change == "deleted") fs::remove(file);
  if (change == "program") fs::permissions(file, fs::perms(0755));
  if (change == "in the way") {
    at.space.write(".workflow/repo/new.py", "mine");
    at.space.write("new.py", "theirs");
  }
  const Captured refused = at.space.run({"checkout"});
  CHECK(refused.status.code == 9);
  CHECK(contains(refused.err, change == "in the way" ? "'new.py'" : "'train.py'"));
  CHECK(contains(refused.err, "CHECKOUT_FORCE_CLEAN=1"));
  CHECK(text_at(at.space.state(), "state") == "CHECKED_OUT");
  if (change == "in the way") CHECK(at.in_copy("new.py") == "mine");
  const Captured forced = at.space.run({"checkout", "--force-clean"});
  CHECK(forced.status.code == 0);
  CHECK(contains(forced.err, "changes thrown away: "));
  CHECK(at.in_copy("train.py") == "print(1)\n");
}

TEST_CASE("a push that was killed half-way through the working copy is done again") {
  const Pushes pushes;
  const StepSpace& at = pushes.at;
  REQUIRE(at.space.run({"checkout"}).status.code == 0);
  at.space.write("train.py", "print(2)\n");
  at.space.write("more.py", "more\n");
  fs::remove(at.space.dir() / "pkg/deep/m.py");
  const Json next = at.space.data({"push"});
  const fs::path list = fs::path(text_at(next, "snapshot")).parent_path() / "list.jsonl";
  // As a killed step leaves it: the list of what is coming, and part of it.
  fs::copy_file(list, at.copy() / ".workflow/pushing.jsonl");
  at.space.write(".workflow/repo/train.py", "print(2)\n");
  fs::remove(at.copy() / "pkg/deep/m.py");
  const Captured answer = at.space.run({"checkout"});
  INFO(answer.err);
  CHECK(answer.status.code == 0);
  CHECK(at.in_copy("more.py") == "more\n");
  CHECK_FALSE(fs::exists(at.copy() / "pkg/deep"));
  CHECK_FALSE(fs::exists(at.copy() / ".workflow/pushing.jsonl"));
}

TEST_CASE("a pushed copy and a clone do not go over each other; EXPECT_GIT_SHA counts") {
  Pushes pushes;
  StepSpace& at = pushes.at;
  const std::string head = pushes.here({"rev-parse", "HEAD"});
  CHECK(at.space.run({"checkout", "--expect-sha", std::string(8, '0')}).status.code == 7);
  CHECK(at.space.run({"checkout", "--expect-sha", head.substr(0, 8)}).status.code == 0);
  at.space.write("train.py", "print(2)\n");
  const Captured dirty = at.space.run({"checkout", "--expect-sha", head.substr(0, 8)});
  CHECK(dirty.status.code == 7);
  CHECK(contains(dirty.err, "with changes, but EXPECT_GIT_SHA"));
  at.space.set("CHECKOUT_SOURCE=git");
  CHECK(at.space.run({"checkout"}).status.code == 8);
  fs::remove_all(at.copy());
  CHECK(at.space.run({"checkout"}).status.code != 8);
  at.space.set("CHECKOUT_SOURCE=push");
  CHECK(at.space.run({"checkout"}).status.code == 8);
}

TEST_CASE("a pushed copy that is gone is noticed") {
  const Pushes pushes;
  const StepSpace& at = pushes.at;
  REQUIRE(at.space.run({"checkout"}).status.code == 0);
  fs::remove_all(at.copy());
  CHECK(text_at(at.space.data({"fsm-status"}), "state") == "BOOTSTRAPPED");
  CHECK(at.space.run({"checkout"}).status.code == 0);
}

TEST_CASE("what a push takes away is taken from the working copy, not from where a link leads") {
  const Pushes pushes;
  const StepSpace& at = pushes.at;
  REQUIRE(at.space.run({"checkout"}).status.code == 0);
  const fs::path elsewhere = at.space.dir() / "home/elsewhere";
  fs::rename(at.copy() / "pkg", elsewhere);
  fs::create_symlink(elsewhere, at.copy() / "pkg");
  fs::remove_all(at.space.dir() / "pkg");
  CHECK(at.space.run({"checkout", "--force-clean"}).status.code != 0);
  CHECK(read_file(elsewhere / "deep/m.py") == "m\n");
}

TEST_CASE("a sweep of a tree that was edited since it was pushed says so") {
  Workspace space("TRAIN_COMMAND_TEMPLATE='true'\n");
  space.set("CHECKOUT_SOURCE=push");
  space.set("PUSH_UNTRACKED=1");
  space.write("train.py", "print(1)\n");
  space.write(".gitignore", "/home/\n");
  CaptureSpec init;
  init.argv = {"git", "init", "-q", space.dir().string()};
  REQUIRE(capture(init).ok());
  for (const char* command : {"pod-up", "bootstrap", "checkout"}) (void)space.data({command});
  space.write("sweep.csv", "run_id\na\n");
  const Captured first = space.run({"sweep-start"});
  INFO(first.err);
  CHECK(first.status.code == 0);
  CHECK_FALSE(contains(first.err, "is not what is checked out"));
  (void)space.run({"sweep-watch"});
  space.write("train.py", "print(2)\n");
  space.write("sweep.csv", "run_id\nb\n");
  CHECK(contains(space.run({"sweep-start"}).err, "is not what is checked out"));
}

TEST_CASE("push ships neither the settings nor what was fetched, and needs no commit") {
  Workspace space("WF_SECRETS=NONE\n");
  space.write("workflow.env", space.read("workflow.env") + "WANDB_PROJECT=SECRETTOK123\n");
  space.write("train.py", "print(1)\n");
  space.write("artifacts/pod_logs/a/stdout.log", "fetched\n");
  space.write(".gitignore", "/home/\n");
  CaptureSpec init;
  init.argv = {"git", "init", "-q", space.dir().string()};
  REQUIRE(capture(init).ok());
  const Captured nothing = space.run({"push"});
  CHECK(nothing.status.code == 9);
  CHECK(contains(nothing.err, "git tracks no file"));
  const Json pushed = space.data({"push", "--dirty"});
  CHECK(number_at(pushed, "files") == 2);  // train.py and .gitignore
  CHECK(text_at(pushed, "git_sha").starts_with("push:"));
  CHECK(fs::exists(fs::path(text_at(pushed, "snapshot")) / "train.py"));
}

TEST_CASE("outside a git repository everything is shipped, over every way") {
  const FarSpace far(GENERATE("local", "libssh2", "openssh"), "CHECKOUT_SOURCE=push\n");
  const Workspace& space = far.space;
  const fs::path project = space.dir() / "project";
  fs::create_directories(project);
  fs::rename(space.dir() / "workflow.env", project / "workflow.env");
  space.write("project/a b\n.py", "odd name");
  space.write("project/.workflow/x", "not shipped");
  space.write("project/big.bin", std::string(9 << 20, 'b'));
  CaptureSpec spec;
  spec.argv = {workflow_program(), "push", "--json", "--config",
               (project / "workflow.env").string()};
  spec.env = space.environment();
  spec.workdir = project;
  spec.limit_ms = 60'000;
  const Captured answer = capture(spec);
  INFO(answer.err);
  REQUIRE(answer.ok());
  const Json data = member(parse_json(answer.out, "stdout"), "data");
  CHECK(number_at(data, "files") == 2);  // not workflow.env
  CHECK(text_at(data, "git_sha") == "push:" + text_at(data, "tree").substr(0, 12));
  const fs::path snapshot = text_at(data, "snapshot");
  CHECK(read_file(snapshot / "a b\n.py") == "odd name");
  CHECK(fs::file_size(snapshot / "big.bin") == 9 << 20);
  CHECK_FALSE(fs::exists(snapshot / ".workflow"));
}

}  // namespace workflow::test
