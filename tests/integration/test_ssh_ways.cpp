// How a target is reached through the built program: which way is taken for which server, key and
// proxy, and that it works at all.
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>

#include "tests/support/provoked.h"
#include "tests/support/reach.h"
#include "tests/support/terminal.h"

namespace workflow::test {
namespace {

const Sshd& server() {
  static const Sshd sshd;
  return sshd;
}

/// What went well by the system's ssh because libssh2 could not.
void check_by_openssh(Reach& reach, const std::string& reason) {
  const Captured answer = reach.ask("pod");
  INFO(answer.err);
  CHECK(answer.status.code == 0);
  CHECK(contains(answer.err, "reached by openssh (libssh2 cannot: " + reason));
  const Captured forced = reach.ask("pod", "libssh2");
  INFO(forced.err);
  CHECK(forced.status.code == 7);
  CHECK(contains(forced.err, "WF_TRANSPORT=auto or openssh"));
}

/// Runs a program with the workspace's environment.
Captured run(const Reach& reach, std::vector<std::string> words) {
  CaptureSpec spec;
  spec.argv = std::move(words);
  spec.env = reach.space.environment();
  return provoked(spec);
}

/// An agent of ssh for one test.
class Agent {
 public:
  explicit Agent(const Reach& reach) : socket_(reach.space.dir() / "agent") {
    SpawnSpec spec;
    spec.argv = {"ssh-agent", "-D", "-a", socket_.string()};
    pid_ = spawn(spec).pid;
    if (!eventually([this] { return fs::is_socket(socket_); })) throw std::runtime_error("agent");
  }
  ~Agent() {
    ::kill(pid_, SIGTERM);
    (void)exit_of(pid_);
  }
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  void add(const fs::path& key) const {
    CaptureSpec spec;
    spec.argv = {"ssh-add", "-q", key.string()};
    spec.env = environment_with({"SSH_AUTH_SOCK=" + socket_.string()});
    if (!capture(spec).ok()) throw std::runtime_error("ssh-add");
  }
  [[nodiscard]] const fs::path& socket() const { return socket_; }

 private:
  fs::path socket_;
  pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("a server with an RSA host key only is reached by ssh, and remembered") {
  static const Sshd rsa("", "rsa");
  Reach reach;
  reach.host("pod", rsa);
  check_by_openssh(reach, "only an RSA host key of it is known");
  const std::size_t before = rsa.connections();
  const Captured again = reach.ask("pod");
  CHECK(contains(again.err, "libssh2 cannot: only an RSA host key"));
  CHECK(rsa.connections() == before);  // neither libssh2 nor a second login
  CHECK(real_files().list(reach.space.home() / ".cache/workflow/ways").size() == 1);
}

TEST_CASE("what was remembered is forgotten when it fails") {
  static const Sshd rsa("", "rsa");
  Reach reach;
  reach.host("pod", rsa);
  REQUIRE(reach.ask("pod").status.code == 0);
  reach.end_masters();
  reach.space.write("ssh_config", "Host pod\n HostName 127.0.0.1\n User " + Sshd::user() +
                                      "\n Port " + std::to_string(rsa.port()) +
                                      "\n UserKnownHostsFile /nonexistent\n");
  CHECK(reach.ask("pod").status.code == 7);
  CHECK(real_files().list(reach.space.home() / ".cache/workflow/ways").empty());
}

TEST_CASE("servers of today's strictest settings are reached by ssh") {
  Reach reach;
  SECTION("ciphers with authentication only") {
    static const Sshd sshd("Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com\n");
    reach.host("pod", sshd);
    check_by_openssh(reach, "no host key type, cipher or MAC in common");
  }
  SECTION("MACs over the encrypted text only") {
    static const Sshd sshd("Ciphers aes256-ctr\nMACs hmac-sha2-256-etm@openssh.com\n");
    reach.host("pod", sshd);
    check_by_openssh(reach, "no host key type, cipher or MAC in common");
  }
}

TEST_CASE("keys that libssh2 cannot sign with are left to ssh") {
  Reach reach;
  const fs::path key = reach.space.dir() / "key";
  const fs::path authorized = reach.space.dir() / "authorized";
  std::string reason = "no key that it can use was accepted; tried not " + key.string();
  std::string config = "AuthorizedKeysFile " + authorized.string() + "\n";
  SECTION("RSA") {
    make_key(key, "rsa");
    real_files().write(authorized, read_file(key.string() + ".pub"));
    reason += " (ssh-rsa)";
  }
  SECTION("a certificate beside the key") {
    make_key(key);
    const fs::path authority = reach.space.dir() / "authority";
    make_key(authority);
    REQUIRE(run(reach, {"ssh-keygen", "-q", "-s", authority.string(), "-I", "test", "-n",
                        Sshd::user(), key.string() + ".pub"})
                .ok());
    real_files().write(authorized, "");
    config += "TrustedUserCAKeys " + authority.string() + ".pub\n";
    reason = "it logs in with a certificate";
  }
  const Sshd sshd(config);
  reach.at("pod", sshd.port(),
           "IdentityFile " + key.string() + "\n UserKnownHostsFile " +
               (sshd.dir() / "known_hosts").string());
  check_by_openssh(reach, reason);
}

TEST_CASE("an agent holds the keys: with IdentitiesOnly those that are named") {
  Reach reach;
  const Agent agent(reach);
  agent.add(server().dir() / "id");
  const fs::path pub = reach.space.dir() / "named.pub";
  real_files().write(pub, read_file(server().dir() / "id.pub"));
  const std::string known = "\n UserKnownHostsFile " + (server().dir() / "known_hosts").string();
  SECTION("its socket is in the environment") {
    reach.space.set("SSH_AUTH_SOCK=" + agent.socket().string());
    reach.at("pod", server().port(), "IdentityFile none" + known);
    CHECK(contains(reach.ask("pod").err, "reached by libssh2"));
  }
  SECTION("the public half is named") {
    reach.at("pod", server().port(),
             "IdentitiesOnly yes\n IdentityAgent " + agent.socket().string() + "\n IdentityFile " +
                 pub.string() + known);
    CHECK(contains(reach.ask("pod").err, "reached by libssh2"));
  }
  SECTION("another key is named") {
    make_key(reach.space.dir() / "other");
    reach.at("pod", server().port(),
             "IdentitiesOnly yes\n IdentityAgent " + agent.socket().string() + "\n IdentityFile " +
                 (reach.space.dir() / "other").string() + known);
    CHECK(reach.ask("pod").status.code == 7);
  }
  SECTION("no agent is to be asked") {
    reach.space.set("SSH_AUTH_SOCK=" + agent.socket().string());
    reach.at("pod", server().port(), "IdentityAgent none\n IdentityFile none" + known);
    CHECK(reach.ask("pod").status.code == 7);
  }
}

TEST_CASE("an agent that hangs is passed over") {
  Reach reach;
  const fs::path socket = reach.space.dir() / "hung";
  const UniqueFd hung(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(hung.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(hung.get(), 5) == 0);
  reach.host("pod", server(), "IdentityAgent " + socket.string());
  CHECK(contains(reach.ask("pod").err, "reached by libssh2"));
}

TEST_CASE("commands that start at once share one login of ssh") {
  const Sshd sshd;
  Reach reach;
  reach.host("pod", sshd);
  std::vector<pid_t> commands;
  for (int i = 0; i < 5; ++i) commands.push_back(reach.start("pod", "openssh", "at-once.log"));
  for (const pid_t pid : commands) CHECK(exit_of(pid) == 0);
  INFO(reach.space.read("at-once.log"));
  CHECK(sshd.logins() == 1);
}

TEST_CASE("libssh2 goes through jump hosts and proxy commands") {
  Reach reach;
  const std::string way = GENERATE("libssh2", "openssh");
  CAPTURE(way);
  reach.host("hop1", server());
  reach.host("hop2", server());
  SECTION("one hop") { reach.host("pod", server(), "ProxyJump hop1"); }
  SECTION("two hops") { reach.host("pod", server(), "ProxyJump hop1,hop2"); }
  SECTION("a command with tokens") {
    reach.host("pod", server(), "ProxyCommand ssh -W '[%h]:%p' %r@hop1");
  }
  const std::size_t before = server().logins();
  const Captured answer = reach.ask("pod", way);
  INFO(answer.err);
  CHECK(answer.status.code == 0);
  CHECK(contains(answer.err, "reached by " + way));
  CHECK(server().logins() - before >= 2);
  // The way ends with the command when it is ours.
  if (way == "libssh2") CHECK(eventually([&] { return reach.processes(" -W ") == 0; }));
}

TEST_CASE("a proxy that finds no way is quoted") {
  Reach reach;
  const std::string way = GENERATE("libssh2", "openssh");
  CAPTURE(way);
  reach.host("hop", server());
  int code = 4;
  std::string words;
  SECTION("the target is not there, seen from the jump host") {
    Listener gone;
    const int port = gone.port();
    gone.close();
    reach.at("pod", port, "ProxyJump hop");
    words = "Connection refused";
  }
  SECTION("the jump host is not there") {
    Listener gone;
    reach.at("away", gone.port());
    gone.close();
    reach.at("pod", 22, "ProxyJump away");
    words = "Connection refused";
  }
  SECTION("the command fails") {
    reach.at("pod", 22, "ProxyCommand echo the tunnel is closed today >&2; exit 3");
    words = "the tunnel is closed today";
  }
  SECTION("the jump host lets us not in") {
    reach.at("pod", 22, "ProxyJump nobody@hop");
    words = "Permission denied";
    code = 7;
  }
  const Captured answer = reach.ask("pod", way);
  INFO(answer.err);
  CHECK(answer.status.code == code);
  CHECK(contains(answer.err, words));
}

TEST_CASE("a server that allows one session at a time is enough") {
  static const Sshd narrow("MaxSessions 1\n");
  const std::string way = GENERATE("libssh2", "openssh");
  CAPTURE(way);
  Reach reach;
  fs::remove_all(narrow.dir() / "home" / ".cache");
  reach.host("pod", narrow);
  const Captured first = reach.ask("pod", way);  // brings the agent
  INFO(first.err);
  CHECK(first.status.code == 0);
  CHECK(reach.ask("pod", way).status.code == 0);
}

TEST_CASE("the user's own connection is used while it lives") {
  Reach reach;
  const fs::path socket = reach.space.dir() / "mine";
  reach.host("pod", server(), "ControlPath " + socket.string());
  CHECK(contains(reach.ask("pod").err, "reached by libssh2"));
  REQUIRE(run(reach, {"ssh", "-fNM", "-o", "ControlPersist=1m", "-E", "/dev/null", "pod"}).ok());
  const std::size_t before = server().connections();
  const Captured answer = reach.ask("pod");
  INFO(answer.err);
  CHECK(answer.status.code == 0);
  CHECK(contains(answer.err, "reached by your own ssh connection"));
  CHECK(server().connections() == before);
  REQUIRE(run(reach, {"ssh", "-O", "exit", "pod"}).ok());
  CHECK(contains(reach.ask("pod").err, "reached by libssh2"));
}

TEST_CASE("a passphrase is asked once, on the terminal, and never without one") {
  Reach reach;
  const fs::path key = reach.space.dir() / "locked";
  make_key(key, "ed25519", "sesame");
  const Sshd sshd("AuthorizedKeysFile " + key.string() + ".pub\n");
  reach.at("pod", sshd.port(),
           "IdentitiesOnly yes\n IdentityFile " + key.string() + "\n UserKnownHostsFile " +
               (sshd.dir() / "known_hosts").string());
  const Captured blind = reach.ask("pod");
  INFO(blind.err);
  CHECK(blind.status.code == 7);
  CHECK(contains(blind.err, "ssh-add the key, or run this once from a terminal"));
  const std::vector<std::string> words{"--target", "ssh:pod", "-v", "fsm-status"};
  const Shown first = show_on_terminal(reach.space, words, 100, {"passphrase for key", "sesame\n"});
  INFO(first.bytes);
  CHECK(first.status.code == 0);
  CHECK(contains(first.bytes, "passphrase for key"));
  CHECK(contains(first.bytes, "has a passphrase"));
  const Shown second = show_on_terminal(reach.space, words, 100);
  INFO(second.bytes);
  CHECK(second.status.code == 0);
  CHECK_FALSE(contains(second.bytes, "passphrase for key"));
  CHECK(reach.ask("pod").status.code == 0);
  CHECK(sshd.logins() == 1);
}

TEST_CASE("a jump host's passphrase is asked by the system's ssh") {
  Reach reach;
  const fs::path key = reach.space.dir() / "locked";
  make_key(key, "ed25519", "sesame");
  const Sshd gate("AuthorizedKeysFile " + key.string() + ".pub\n");
  reach.at("gate", gate.port(),
           "IdentitiesOnly yes\n IdentityFile " + key.string() + "\n UserKnownHostsFile " +
               (gate.dir() / "known_hosts").string());
  reach.host("pod", server(), "ProxyJump gate");
  const Captured blind = reach.ask("pod");
  INFO(blind.err);
  CHECK(blind.status.code == 7);
  CHECK(contains(blind.err, "through gate"));
  CHECK(contains(blind.err, "Permission denied"));
  const Shown shown = show_on_terminal(reach.space, {"--target", "ssh:pod", "-v", "fsm-status"},
                                       100, {"passphrase for key", "sesame\n"});
  INFO(shown.bytes);
  CHECK(shown.status.code == 0);
  CHECK(contains(shown.bytes, "reached by openssh"));
}

}  // namespace workflow::test
