// bootstrap and checkout through the built program, from a git repository on this machine.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/step_space.h"

namespace workflow::test {

TEST_CASE("bootstrap says what is missing and leaves the state") {
  StepSpace at;
  (void)at.space.data({"pod-up"});
  const std::string state = at.space.read(StepSpace::record);
  at.only_programs({"sh", "bash", "uname", "id", "mkdir", "cat", "wc", "sha256sum", "chmod", "mv",
                    "rm", "cp", "env"});
  const Json document = at.space.json({"bootstrap"});
  const Json& error = member(document, "error");
  CHECK(number_at(error, "exit_code") == 7);
  CHECK(contains(text_at(error, "message"), "missing on the target: git"));
  CHECK(contains(text_at(error, "hint"), "AUTO_INSTALL_PREREQS=1"));
  CHECK(contains(text_at(error, "hint"), "apt-get install git"));
  CHECK(contains(text_at(error, "hint"), "workflow task-logs bootstrap-2"));
  CHECK(text_at(at.space.state(), "state") == "POD_READY");
  CHECK(text_at(parse_json(state, "before"), "state") == "POD_READY");
  CHECK(member(at.space.state(), "lease").is_null());
}

TEST_CASE("bootstrap records the tools; one that goes is noticed") {
  const StepSpace at;
  (void)at.space.data({"pod-up"});
  const Captured answer = at.space.run({"bootstrap"});
  CHECK(answer.status.code == 0);
  CHECK(contains(answer.out, "BOOTSTRAPPED"));
  CHECK(contains(answer.out, "git 2."));
  const Json tools = member(member(member(at.space.state(), "claims"), "bootstrap"), "tools");
  CHECK(text_at(member(tools, "python"), "path") == at.python().string());
  CHECK(text_at(at.space.state(), "state") == "BOOTSTRAPPED");
  fs::rename(at.python(), at.python().string() + ".gone");
  const Json shown = at.space.data({"fsm-status"});
  CHECK(text_at(shown, "state") == "POD_READY");
  CHECK(text_at(shown, "recorded_state") == "BOOTSTRAPPED");
  CHECK(contains(text_at(shown, "correction"), "python is gone from"));
  CHECK(text_at(at.space.state(), "state") == "BOOTSTRAPPED");
  const Json refused = at.space.json({"checkout"});
  CHECK(number_at(member(refused, "error"), "exit_code") == 3);
  CHECK(text_at(at.space.state(), "state") == "POD_READY");
}

TEST_CASE("checkout takes the default branch, a branch, a pull request, and what is new") {
  StepSpace at;
  at.ready();
  const std::string first = at.commit("train.py", "print(1)\n");
  CHECK(contains(at.space.run({"checkout"}).out, "main at " + first.substr(0, 7)));
  CHECK(text_at(at.space.state(), "state") == "CHECKED_OUT");
  CHECK(at.head() == first);
  CHECK(at.in_copy("train.py") == "print(1)\n");
  CHECK(fs::exists(at.copy() / ".venv/bin/python"));

  const std::string second = at.commit("train.py", "print(2)\n");
  CHECK(at.space.run({"checkout"}).status.code == 0);
  CHECK(at.head() == second);
  CHECK(at.venvs_made() == 1);
  CHECK(at.space.run({"checkout", "--recreate-venv"}).status.code == 0);
  CHECK(at.venvs_made() == 2);

  at.git({"checkout", "-q", "-b", "wide"});
  const std::string wide = at.commit("wide.py", "w\n");
  at.git({"checkout", "-q", "main"});
  CHECK(at.space.run({"checkout", "--branch", "wide"}).status.code == 0);
  CHECK(at.head() == wide);

  at.git({"update-ref", "refs/pull/7/head", wide});
  at.git({"branch", "-q", "-D", "wide"});
  for (int time = 0; time < 2; ++time) {
    const Captured pr = at.space.run({"checkout", "--pr", "7"});
    INFO(pr.err);
    CHECK(pr.status.code == 0);
    CHECK(contains(pr.out, "PR 7 at " + wide.substr(0, 7)));
    CHECK(at.head() == wide);
  }
  const Json none = at.space.json({"checkout", "--pr", "8"});
  CHECK(number_at(member(none, "error"), "exit_code") == 6);
  CHECK(contains(text_at(member(none, "error"), "message"), "pull request 8"));
  CHECK(text_at(at.space.state(), "state") == "CHECKED_OUT");
}

TEST_CASE("a branch or a commit that is not there") {
  StepSpace at;
  at.ready();
  const std::string first = at.commit("a.py", "a\n");
  at.git({"branch", "-q", "other"});
  const std::string before = at.space.read(StepSpace::record);
  const Json none = at.space.json({"checkout", "--branch", "mian"});
  CHECK(number_at(member(none, "error"), "exit_code") == 6);
  CHECK(contains(text_at(member(none, "error"), "message"), "branch 'mian' is not in"));
  CHECK(contains(text_at(member(none, "error"), "hint"), "main other"));
  const Json moved = at.space.json({"checkout", "--expect-sha", std::string(40, 'a')});
  CHECK(number_at(member(moved, "error"), "exit_code") == 7);
  CHECK(contains(text_at(member(moved, "error"), "message"), "EXPECT_GIT_SHA is aaaa"));
  CHECK(text_at(at.space.state(), "state") == "BOOTSTRAPPED");
  CHECK(text_at(member(at.space.json({"checkout", "--expect-sha", first.substr(0, 8)}), "data"),
                "state") == "CHECKED_OUT");
  CHECK(text_at(parse_json(before, "before"), "state") == "BOOTSTRAPPED");
}

TEST_CASE("changes on the target are thrown away only when asked for") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  CHECK(at.space.run({"checkout"}).status.code == 0);
  real_files().write(at.copy() / "a.py", "changed\n", {.durable = false});
  real_files().write(at.copy() / "notes.txt", "mine\n", {.durable = false});
  const Captured refused = at.space.run({"checkout"});
  CHECK(refused.status.code == 9);
  CHECK(contains(refused.err, "CHECKOUT_FORCE_CLEAN=1"));
  CHECK(at.in_copy("a.py") == "changed\n");
  CHECK(text_at(at.space.state(), "state") == "CHECKED_OUT");
  CHECK(at.space.run({"checkout", "--force-clean"}).status.code == 0);
  CHECK(at.in_copy("a.py") == "a\n");
  CHECK(at.in_copy("notes.txt") == "mine\n");
}

TEST_CASE("a submodule comes along") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  at.space.set("GIT_CONFIG_COUNT=1");
  at.space.set("GIT_CONFIG_KEY_0=protocol.file.allow");
  at.space.set("GIT_CONFIG_VALUE_0=always");
  at.git({"clone", "-q", at.origin().string(), (at.space.dir() / "lib").string()});
  at.git({"-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
          (at.space.dir() / "lib").string(), "lib"});
  at.git({"commit", "-qm", "with a library"});
  const Captured answer = at.space.run({"checkout"});
  INFO(answer.err);
  CHECK(answer.status.code == 0);
  CHECK(at.in_copy("lib/a.py") == "a\n");
}

TEST_CASE("the user's own commands of a checkout: their failure is 1 and points at the log") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  at.space.set("CHECKOUT_INSTALL_CMD=echo from the install; ls a.py; exit 3");
  const Captured failed = at.space.run({"checkout"});
  CHECK(failed.status.code == 1);
  CHECK(failed.out.empty());
  CHECK(contains(failed.err, "its log: workflow task-logs checkout-"));
  CHECK(text_at(at.space.state(), "state") == "BOOTSTRAPPED");
  CHECK(member(at.space.state(), "lease").is_null());
  const std::string task = failed.err.substr(failed.err.find("checkout-"));
  const Captured log = at.space.run({"task-logs", std::string(trim(task))});
  CHECK(contains(log.out, "from the install\na.py\n"));
  at.space.set("CHECKOUT_INSTALL_CMD=test -x \"$VENV_PYTHON\"");
  at.space.set("CHECKOUT_POST_CMD=touch made-after");
  CHECK(at.space.run({"checkout"}).status.code == 0);
  CHECK(fs::exists(at.copy() / "made-after"));
}

TEST_CASE("another pod on the same volume, and a repository that is gone") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  CHECK(at.space.run({"checkout"}).status.code == 0);
  const std::string before = at.space.read(StepSpace::record);
  at.space.write("home/.workflow/pod_id", "0123456789abcdef\n");
  const Captured shown = at.space.run({"fsm-status"});
  CHECK(contains(shown.out, "POD_READY   recorded CHECKED_OUT, but this is another pod"));
  CHECK(contains(shown.out, "corrected at the next command that needs it"));
  CHECK(at.space.read(StepSpace::record) == before);
  CHECK(contains(at.space.run({"bootstrap"}).err, "state corrected from CHECKED_OUT to POD_READY"));
  CHECK(text_at(at.space.data({"fsm-status"}), "state") == "BOOTSTRAPPED");
  CHECK(at.space.run({"checkout"}).status.code == 0);

  fs::rename(at.copy(), at.copy().string() + ".away");
  CHECK(text_at(at.space.data({"fsm-status"}), "state") == "BOOTSTRAPPED");
  const Json refused = at.space.json({"sweep-start"});
  CHECK_FALSE(flag_at(refused, "ok", true));
  const Captured again = at.space.run({"checkout"});
  CHECK(again.status.code == 0);
  CHECK(contains(again.err, "state corrected from CHECKED_OUT to BOOTSTRAPPED"));
  CHECK(at.in_copy("a.py") == "a\n");
}

TEST_CASE("a checkout without a repository to take, or with something in its place") {
  StepSpace at;
  at.ready();
  at.space.set("REPO_URL=" + (at.space.dir() / "nowhere").string());
  CHECK(at.space.run({"checkout"}).status.code == 1);
  CHECK_FALSE(fs::exists(at.copy()));
  real_files().make_dirs(at.copy());
  real_files().write(at.copy() / "mine", "mine", {.durable = false});
  CHECK(at.space.run({"checkout"}).status.code == 8);
  CHECK(at.in_copy("mine") == "mine");
  at.space.write("workflow.env", "WF_TARGET=local\nREMOTE_PYTHON_BIN=" + at.python().string());
  at.space.set("REPO_URL=");
  const Captured unset = at.space.run({"checkout"});
  CHECK(unset.status.code == 2);
  CHECK(contains(unset.err, "REPO_URL is not set"));
  CHECK(text_at(at.space.state(), "state") == "BOOTSTRAPPED");
}

}  // namespace workflow::test
