// What people are told when the way to a target is not well: doctor, and what was known last.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/cut_space.h"
#include "tests/support/tasks.h"

namespace workflow::test {
namespace {

std::map<std::string, Json> checks_of(const Json& document) {
  std::map<std::string, Json> checks;
  for (const auto& check : member(member(document, "data"), "checks")) {
    checks[text_at(check, "check")] = check;
  }
  return checks;
}

}  // namespace

TEST_CASE("doctor looks at every part of the way and of the target") {
  const CutSpace far("WF_TRANSPORT=libssh2\n");
  const Json document = far.space.json({"doctor"});
  const auto checks = checks_of(document);
  INFO(dump_json(document));
  CHECK(flag_at(document, "ok"));
  for (const char* name : {"settings", "target", "key", "login", "latency", "state", "clock",
                           "outputs", "working copy", "git", "tmux", "python", "gpu", "torch"}) {
    CAPTURE(name);
    REQUIRE(checks.contains(name));
    CHECK(text_at(checks.at(name), "state") == "ok");
    CHECK_FALSE(text_at(checks.at(name), "text").empty());
  }
  CHECK(text_at(checks.at("login"), "text").rfind("libssh2", 0) == 0);
  // One login for all of it, and nothing was made on the target.
  CHECK(far.sshd.logins() == 1);
  CHECK_FALSE(fs::exists(far.space.outputs()));
}

TEST_CASE("doctor says what is missing and what to do") {
  const CutSpace far("REMOTE_PYTHON_BIN=/no/such/python\n");
  fs::create_directories(far.space.outputs());
  const Captured told = far.space.run({"doctor"});
  CHECK(told.status.code == 7);
  CHECK(told.out.find("python          fail") != std::string::npos);
  CHECK(told.out.find("set REMOTE_PYTHON_BIN") != std::string::npos);
  CHECK(told.err.find("not well: python") != std::string::npos);
  CHECK(told.out.find("a durable write takes") != std::string::npos);
  CHECK(real_files().list(far.space.outputs()).empty());
}

TEST_CASE("doctor numbers its checks and looks at this machine and the configuration first") {
  const Workspace space("SWEEP_CVS=x.csv\nWF_PROVIDER=runpod\nWF_SECRETS=NO_SUCH_TOKEN\n");
  space.write("sweep.csv", "run_id,config\na,c\na,c\n");
  const Json document = space.json({"doctor"});
  INFO(dump_json(document));
  int number = 0;
  for (const auto& check : member(member(document, "data"), "checks")) {
    CHECK(number_at(check, "number") == ++number);
  }
  const auto checks = checks_of(document);
  CHECK(text_at(checks.at("tls"), "text").rfind("libcurl ", 0) == 0);
  CHECK(text_at(checks.at("ledger"), "state") == "ok");
  CHECK(text_at(checks.at("artifacts"), "text").find(" free") != std::string::npos);
  CHECK(text_at(checks.at("settings"), "text").find("did you mean 'SWEEP_CSV'") !=
        std::string::npos);
  CHECK(text_at(checks.at("conflicts"), "text").find("WF_TARGET and WF_PROVIDER") == 0);
  CHECK(text_at(checks.at("manifest"), "state") == "fail");
  CHECK(text_at(checks.at("secrets"), "text") == "NO_SUCH_TOKEN of WF_SECRETS is not set");
  CHECK(number_at(member(document, "error"), "exit_code") == 7);
  CHECK(checks.contains("outputs"));
}

TEST_CASE("doctor sees a ledger that is none, or that others can read") {
  Workspace space;
  const fs::path ledger = space.home() / ".local/state/workflow/ledger.db";
  space.set("XDG_STATE_HOME=" + (space.home() / ".local/state").string());
  fs::create_directories(ledger.parent_path());
  real_files().write(ledger, "no database at all");
  CHECK(text_at(checks_of(space.json({"doctor"})).at("ledger"), "text").find("is no database") !=
        std::string::npos);
  real_files().write(ledger, std::string("SQLite format 3\0", 16), {.mode = 0644});
  CHECK(text_at(checks_of(space.json({"doctor"})).at("ledger"), "state") == "warn");
}

TEST_CASE("doctor fails where no run would start for want of room") {
  const CutSpace far("MIN_FREE_SPACE=9000T\n");
  fs::create_directories(far.space.outputs());
  const Json document = far.space.json({"doctor"});
  const auto checks = checks_of(document);
  CHECK_FALSE(flag_at(document, "ok", true));
  CHECK(text_at(checks.at("outputs"), "state") == "fail");
  CHECK(text_at(checks.at("outputs"), "text").find("is the floor (MIN_FREE_SPACE)") !=
        std::string::npos);
}

TEST_CASE("a target that does not answer is unknown, with what was known last") {
  CutSpace far("WF_TRANSPORT=libssh2\n");
  const Json before = far.space.json({"fsm-status"});
  REQUIRE(flag_at(before, "ok"));
  REQUIRE(flag_at(far.space.json({"pod-status"}), "ok"));
  far.proxy.refuse();
  const Captured told = far.space.run({"fsm-status"});
  CHECK(told.status.code == 4);
  CHECK(told.err.find("refuses connections") != std::string::npos);
  CHECK(told.err.find("last known 0 s ago: POD_READY") != std::string::npos);
  const Json error = member(far.space.json({"task-list"}), "error");
  CHECK(text_at(error, "code") == "unreachable");
  CHECK(text_at(member(error, "last_known"), "state") == "POD_READY");
  const auto checks = checks_of(far.space.json({"doctor"}));
  CHECK(text_at(checks.at("login"), "state") == "fail");
  CHECK_FALSE(checks.contains("torch"));
}

TEST_CASE("pod-wait waits for its time and says so") {
  CutSpace far("WF_TRANSPORT=libssh2\nPOD_WAIT_MAX_SECS=1\n");
  far.proxy.refuse();
  const Captured told = far.space.run({"pod-wait"});
  CHECK(told.status.code == 124);
  CHECK(told.err.find("waited 1 s") != std::string::npos);
}

TEST_CASE("forward says why ssh would not log in") {
  CutSpace far;
  far.space.write("ssh/known_hosts", "");
  const std::string here = std::to_string(Proxy(far.sshd.port()).port());  // free again
  const Captured told = far.space.run({"forward", here + ":9999"});
  CHECK(told.status.code == 7);
  CHECK(told.err.find("is not known") != std::string::npos);
}

}  // namespace workflow::test
