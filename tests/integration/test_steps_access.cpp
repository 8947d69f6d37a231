// Private repositories: a token comes to the git server and nowhere else.
#include <signal.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/far_space.h"
#include "tests/support/git_server.h"
#include "tests/support/step_space.h"

namespace workflow::test {
namespace {

const std::string token = "t0ken-of-the-tests-%41";

/// Every file below a directory that holds some bytes.
std::vector<std::string> files_with(const fs::path& dir, const std::string& bytes) {
  std::vector<std::string> found;
  for (const auto& entry :
       fs::recursive_directory_iterator(dir, fs::directory_options::skip_permission_denied)) {
    if (!entry.is_regular_file()) continue;
    if (contains(read_file(entry.path()), bytes)) found.push_back(entry.path().string());
  }
  return found;
}

}  // namespace

TEST_CASE("a token of WF_SECRETS opens a private repository and is nowhere afterwards") {
  StepSpace at;
  at.ready();
  const std::string first = at.commit("a.py", "a\n");
  const GitServer server(at.space.dir(), at.space.dir() / "server", token);
  at.space.set("REPO_URL=" + server.url("repo"));
  // What a user's git would do with a password that it was told.
  at.space.write("home/.gitconfig", "[credential]\n\thelper = store\n");
  const Captured refused = at.space.run({"checkout"});
  CHECK(refused.status.code == 1);
  CHECK(contains(refused.err, "cannot look into " + server.url("repo")));
  CHECK(contains(refused.err, "GIT_TOKEN"));
  CHECK_FALSE(fs::exists(at.copy()));

  at.space.set("GIT_TOKEN=" + token);
  at.space.set("WF_SECRETS=GIT_TOKEN");
  const Captured answer = at.space.run({"checkout", "-v"});
  INFO(answer.err);
  REQUIRE(answer.status.code == 0);
  CHECK(at.head() == first);
  CHECK(contains(server.log(), "x-access-token\n"));
  CHECK(files_with(at.space.dir(), token).empty());
  CHECK_FALSE(contains(answer.err + answer.out, token));

  at.space.set("GIT_TOKEN=wrong");
  const Captured wrong = at.space.run({"checkout"});
  CHECK(wrong.status.code == 1);
  CHECK(contains(wrong.err, "was the token refused?"));
}

TEST_CASE("a token is told to the server of REPO_URL alone") {
  StepSpace at;
  at.ready();
  at.commit("a.py", "a\n");
  const GitServer ours(at.space.dir(), at.space.dir() / "server", token);
  const GitServer other(at.space.dir(), at.space.dir() / "other", token);
  at.git({"clone", "-q", at.origin().string(), (at.space.dir() / "lib").string()});
  at.git({"-c", "protocol.file.allow=always", "submodule", "--quiet", "add",
          (at.space.dir() / "lib").string(), "lib"});
  at.git({"config", "-f", ".gitmodules", "submodule.lib.url", other.url("lib")});
  at.git({"commit", "-qam", "a library of another server"});
  at.space.set("REPO_URL=" + ours.url("repo"));
  at.space.set("GIT_TOKEN=" + token);
  at.space.set("WF_SECRETS=GIT_TOKEN");
  CHECK(at.space.run({"checkout"}).status.code == 1);
  CHECK(contains(ours.log(), "x-access-token\n"));
  CHECK_FALSE(contains(other.log(), "x-access-token"));
  CHECK(contains(other.log(), "-\n"));
}

TEST_CASE("a forwarded ssh agent reaches the steps of checkout") {
  FarSpace far("auto", "CHECKOUT_SOURCE=push\nCHECKOUT_INSTALL_CMD='ssh-add -l >keys'\n");
  const Workspace& space = far.space;
  const fs::path config = far.sshd().dir() / "ssh_config";
  real_files().write(config, "ForwardAgent yes\n" + read_file(config), {.durable = false});
  make_key(space.dir() / "id_mine");
  const std::string socket = (space.dir() / "agent").string();
  SpawnSpec agent;
  agent.argv = {"ssh-agent", "-D", "-a", socket};
  agent.ends_with_us = true;
  const pid_t pid = spawn(agent).pid;
  REQUIRE(eventually([&] { return fs::exists(socket); }));
  CaptureSpec add;
  add.argv = {"ssh-add", (space.dir() / "id_mine").string()};
  add.env = environment_with({"SSH_AUTH_SOCK=" + socket});
  REQUIRE(capture(add).ok());
  far.space.set("SSH_AUTH_SOCK=" + socket);
  far.space.set("XDG_CACHE_HOME=" + (space.dir() / "cache").string());
  for (const char* command : {"pod-up", "bootstrap"}) CHECK(far.run({command}).ok());
  const Captured answer = far.run({"checkout"});
  INFO(answer.err);
  CHECK(answer.ok());
  CHECK(contains(real_files().read(far.far() / "keys").value_or(""), "ED25519"));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST_CASE("a login in REPO_URL works, and no record or output holds it") {
  StepSpace at;
  at.ready();
  const std::string first = at.commit("a.py", "a\n");
  const GitServer server(at.space.dir(), at.space.dir() / "server", "p@ss word");
  at.space.set("REPO_URL=" + server.url("repo", "ana:p%40ss%20word"));
  const Captured answer = at.space.run({"checkout", "-v"});
  INFO(answer.err);
  REQUIRE(answer.status.code == 0);
  CHECK(at.head() == first);
  CHECK(contains(server.log(), "ana\n"));
  for (const char* form : {"p@ss word", "p%40ss"}) {
    CHECK(files_with(at.space.dir() / ".workflow", form).empty());
    CHECK_FALSE(contains(answer.err + answer.out, form));
    for (const auto& words : {std::vector<std::string>{"config"},
                              {"config", "--json"},
                              {"checkout", "--dry-run"},
                              {"fsm-log"}}) {
      const Captured shown = at.space.run(words);
      CHECK_FALSE(contains(shown.err + shown.out, form));
    }
  }
  CHECK(contains(at.space.run({"config"}).out, "http://***@127.0.0.1"));
}

}  // namespace workflow::test
