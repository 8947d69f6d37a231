// Why a target cannot be reached, through the built program: exit code and words, whichever way it
// was tried.
#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/support/reach.h"

namespace workflow::test {
namespace {

const Sshd& server() {
  static const Sshd sshd;
  return sshd;
}

std::string public_key(const fs::path& file) {
  const auto words = split(trim(read_file(file)), ' ');
  return words.at(0) + " " + words.at(1);
}

/// A key that no server here knows.
const fs::path& stranger() {
  static const fs::path path = [] {
    make_key(server().dir() / "stranger");
    return server().dir() / "stranger";
  }();
  return path;
}

}  // namespace

TEST_CASE("a plain key goes by libssh2, and -v says so") {
  Reach reach;
  reach.host("pod", server());
  const Captured answer = reach.ask("pod");
  INFO(answer.err);
  CHECK(answer.status.code == 0);
  CHECK(contains(answer.err, "reached by libssh2"));
  CHECK(contains(reach.ask("pod", "openssh").err, "reached by openssh"));
}

TEST_CASE("a key that is not authorized is 7 and named") {
  const std::string way = GENERATE("auto", "openssh", "libssh2");
  CAPTURE(way);
  Reach reach;
  reach.at("pod", server().port(),
           "IdentitiesOnly yes\n IdentityFile " + stranger().string() + "\n UserKnownHostsFile " +
               (server().dir() / "known_hosts").string());
  const Captured answer = reach.ask("pod", way);
  INFO(answer.err);
  CHECK(answer.status.code == 7);
  CHECK(contains(answer.err, stranger().string()));
  CHECK(contains(answer.err, way == "libssh2" ? "WF_TRANSPORT=auto" : "authorized_keys"));
}

TEST_CASE("a host that is not known is 7, with its fingerprint and what to do") {
  Reach reach;
  reach.host("pod", server(), "UserKnownHostsFile " + (reach.space.dir() / "none").string());
  const Captured answer = reach.ask("pod");
  INFO(answer.err);
  CHECK(answer.status.code == 7);
  CHECK(contains(answer.err, "is not known"));
  CHECK(contains(answer.err, "ssh-ed25519 SHA256:"));
  CHECK(contains(answer.err, "log in once with 'ssh pod'"));
  const Captured other = reach.ask("pod", "openssh");
  INFO(other.err);
  CHECK(other.status.code == 7);
  CHECK(contains(other.err, "is not known"));
}

TEST_CASE("a host key that changed is 7 and the old one's line is named") {
  const std::string way = GENERATE("auto", "openssh");
  CAPTURE(way);
  Reach reach;
  const fs::path known = reach.space.dir() / "known";
  real_files().write(
      known, "# first\n" + server().name() + " " + public_key(stranger().string() + ".pub") + "\n");
  reach.host("pod", server(), "UserKnownHostsFile " + known.string());
  const Captured answer = reach.ask("pod", way);
  INFO(answer.err);
  CHECK(answer.status.code == 7);
  CHECK(contains(answer.err, "is not the one that is known from " + known.string() + ":2"));
  CHECK(contains(answer.err, "ssh-keygen -f "));
}

TEST_CASE("a revoked host key is refused though it is known") {
  const std::string way = GENERATE("auto", "libssh2", "openssh");
  CAPTURE(way);
  Reach reach;
  const fs::path known = reach.space.dir() / "known";
  const std::string key = public_key(server().dir() / "host_key.pub");
  real_files().write(known, server().name() + " " + key + "\n@revoked * " + key + "\n");
  reach.host("pod", server(), "UserKnownHostsFile " + known.string());
  const Captured answer = reach.ask("pod", way);
  INFO(answer.err);
  CHECK(answer.status.code == 7);
  CHECK(contains(answer.err, "is revoked"));
}

TEST_CASE("what only ssh knows of a host key is left to ssh") {
  Reach reach;
  const fs::path known = reach.space.dir() / "known";
  const std::string key = public_key(server().dir() / "host_key.pub");
  std::string reason;
  SECTION("a pattern") {
    real_files().write(known, "*127.0.0.* " + key + "\n");
    reach.host("pod", server(), "UserKnownHostsFile " + known.string());
    reason = "known by a pattern";
  }
  SECTION("the user takes new ones") {
    reach.host("pod", server(),
               "UserKnownHostsFile " + known.string() + "\n StrictHostKeyChecking accept-new");
    reason = "StrictHostKeyChecking is accept-new";
  }
  SECTION("the user keeps none") {
    reach.host("pod", server(), "UserKnownHostsFile /dev/null\n StrictHostKeyChecking no");
    reason = "UserKnownHostsFile is /dev/null";
  }
  const Captured answer = reach.ask("pod");
  INFO(answer.err);
  CHECK(answer.status.code == 0);
  CHECK(contains(answer.err, "reached by openssh (libssh2 cannot: "));
  CHECK(contains(answer.err, reason));
}

TEST_CASE("hashed names are known") {
  Reach reach;
  const fs::path known = reach.space.dir() / "known";
  real_files().write(known, read_file(server().dir() / "known_hosts"));
  CaptureSpec hash;
  hash.argv = {"ssh-keygen", "-H", "-f", known.string()};
  REQUIRE(capture(hash).ok());
  reach.host("pod", server(), "UserKnownHostsFile " + known.string());
  CHECK(contains(reach.ask("pod").err, "reached by libssh2"));
}

TEST_CASE("nobody there is 4, in the same words both ways") {
  const std::string way = GENERATE("auto", "openssh");
  CAPTURE(way);
  Reach reach;
  SECTION("a port that refuses") {
    Listener gone;
    const int port = gone.port();
    reach.at("pod", port);
    gone.close();
    const Captured answer = reach.ask("pod", way);
    INFO(answer.err);
    CHECK(answer.status.code == 4);
    CHECK(contains(answer.err, "127.0.0.1:" + std::to_string(port) + " refuses connections"));
  }
  SECTION("a machine that is silent") {
    const Listener silent;
    reach.at("pod", silent.port(), "ConnectTimeout 1");
    const std::int64_t before = system_clock().steady_ms();
    const Captured answer = reach.ask("pod", way);
    INFO(answer.err);
    CHECK(answer.status.code == 4);
    CHECK((contains(answer.err, "does not answer") || contains(answer.err, "does not go on")));
    CHECK(system_clock().steady_ms() - before < 8'000);
  }
  SECTION("a machine that drops what comes") {
    Listener full;
    full.fill();
    reach.at("pod", full.port(), "ConnectTimeout 1");
    const Captured answer = reach.ask("pod", way);
    INFO(answer.err);
    CHECK(answer.status.code == 4);
    CHECK(contains(answer.err, "does not answer"));
  }
  SECTION("a name without an address") {
    reach.at("pod", 22, "HostName no-such-host.invalid");
    const Captured answer = reach.ask("pod", way);
    INFO(answer.err);
    CHECK(answer.status.code == 4);
    CHECK(contains(answer.err, "'no-such-host.invalid' has no address"));
  }
}

TEST_CASE("logins that were dropped are tried again, and MaxStartups is named in the end") {
  static const Sshd busy("MaxStartups 1:100:1\n");
  const std::string way = GENERATE("auto", "openssh");
  CAPTURE(way);
  Reach reach;
  reach.host("pod", busy);
  REQUIRE(reach.ask("pod", way).status.code == 0);
  reach.end_masters();
  UniqueFd first = connected(busy.port());
  REQUIRE(greeted(first));
  SECTION("for ever") {
    const Captured answer = reach.ask("pod", way);
    INFO(answer.err);
    CHECK(answer.status.code == 4);
    CHECK(contains(answer.err, "closed the connection before the login"));
    CHECK(contains(answer.err, "MaxStartups"));
  }
  SECTION("for a while") {
    const std::size_t before = busy.count("drop connection");
    const pid_t pid = reach.start("pod", way, "later.log");
    REQUIRE(eventually([&] { return busy.count("drop connection") > before; }));
    first.reset();
    CHECK(exit_of(pid) == 0);
    INFO(reach.space.read("later.log"));
  }
}

TEST_CASE("four logins to one host at once, not more") {
  Reach reach;
  const Listener silent;
  reach.at("pod", silent.port(), "ConnectTimeout 6");
  reach.at("hasty", silent.port(), "ConnectTimeout 1");
  std::vector<pid_t> waiting;
  for (int i = 0; i < 4; ++i) waiting.push_back(reach.start("pod", "auto", "waiting.log"));
  REQUIRE(eventually([&] { return silent.queued() == 4; }));
  const Captured fifth = reach.ask("hasty");
  INFO(fifth.err);
  CHECK(fifth.status.code == 5);
  CHECK(contains(fifth.err, "4 other logins"));
  CHECK(silent.queued() == 4);
  for (const pid_t pid : waiting) {
    ::kill(pid, SIGTERM);
    (void)exit_of(pid);
  }
}

TEST_CASE("a server that takes passwords only is 7 without a terminal") {
  static const Sshd passwords("PubkeyAuthentication no\n");
  Reach reach;
  reach.host("pod", passwords);
  const Captured answer = reach.ask("pod");
  INFO(answer.err);
  CHECK(answer.status.code == 7);
  CHECK(contains(answer.err, "permission denied (password"));
  CHECK(contains(answer.err, "from a terminal"));
}

}  // namespace workflow::test
