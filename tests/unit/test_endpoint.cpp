// What `ssh -G` says, and what follows from it for proxies and keys.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/clock.h"
#include "common/error.h"
#include "remote/transport/key_file.h"
#include "remote/transport/proxy.h"
#include "remote/transport/refusal.h"
#include "remote/transport/tcp.h"
#include "tests/support/scratch.h"
#include "tests/support/sshd.h"

namespace workflow::test {
namespace {

using transport::Endpoint;

Endpoint parsed(const std::string& lines) {
  return transport::parse_endpoint("pod", lines, "/home/ana");
}

std::vector<std::string> tail(std::vector<std::string> words, std::size_t n) {
  words.erase(words.begin(), words.end() - static_cast<std::ptrdiff_t>(n));
  return words;
}

}  // namespace

TEST_CASE("the lines of ssh -G become an endpoint") {
  const Endpoint endpoint = parsed(
      "host pod\nuser ana\nhostname 10.0.0.7\nport 2222\nconnecttimeout none\n"
      "identityfile ~/.ssh/a key\nidentityfile none\nidentitiesonly yes\nidentityagent none\n"
      "userknownhostsfile ~/.ssh/known_hosts /etc/more\nglobalknownhostsfile /dev/null\n"
      "stricthostkeychecking ask\ncontrolpath none\nproxyusefdpass no\n");
  CHECK(endpoint.alias == "pod");
  CHECK_FALSE(endpoint.forwards_agent);
  CHECK(parsed("forwardagent yes\n").forwards_agent);
  CHECK_FALSE(parsed("forwardagent no\n").forwards_agent);
  CHECK(endpoint.where() == "10.0.0.7:2222");
  CHECK(endpoint.name_in_known_hosts() == "[10.0.0.7]:2222");
  CHECK(endpoint.limit_ms() == 10'000);
  CHECK(endpoint.identity_files == std::vector<fs::path>{"/home/ana/.ssh/a key"});
  CHECK(endpoint.identities_only);
  CHECK(endpoint.identity_agent == "none");
  CHECK(endpoint.known_hosts.size() == 3);
  CHECK(endpoint.trusts_otherwise.empty());
  CHECK(endpoint.control_path.empty());
  CHECK(parsed("connecttimeout 3\n").limit_ms() == 3'000);
  CHECK(parsed("hostname ::1\nport 22\n").where() == "[::1]:22");
  CHECK(parsed("hostname h\nport 22\n").name_in_known_hosts() == "h");
  CHECK(parsed("hostname h\nport 9\nhostkeyalias a\n").name_in_known_hosts() == "a");
}

TEST_CASE("settings by which ssh trusts what known_hosts lacks") {
  for (const char* line : {"stricthostkeychecking accept-new\n", "stricthostkeychecking false\n",
                           "stricthostkeychecking off\n", "userknownhostsfile /dev/null\n",
                           "knownhostscommand /bin/keys %H\n", "verifyhostkeydns true\n"}) {
    INFO(line);
    CHECK_FALSE(parsed(line).trusts_otherwise.empty());
    CHECK(transport::rented(parsed(line), "p1").trusts_otherwise.empty());
  }
  CHECK(parsed("stricthostkeychecking true\nverifyhostkeydns false\n").trusts_otherwise.empty());
  CHECK_THROWS_AS(transport::rented(parsed(""), "../p"), Error);
}

TEST_CASE("hops become the command line of ssh") {
  using Words = std::vector<std::string>;
  const auto hop = [](const std::string& jump, std::size_t n) {
    return tail(transport::proxy_argv(parsed("hostname t\nport 7\nproxyjump " + jump + "\n")), n);
  };
  CHECK(hop("gate", 4) == Words{"-W", "[t]:7", "--", "gate"});
  CHECK(hop("u@gate:99", 8) == Words{"-l", "u", "-p", "99", "-W", "[t]:7", "--", "gate"});
  CHECK(hop("a,b@c:1,d", 6) == Words{"-J", "a,b@c:1", "-W", "[t]:7", "--", "d"});
  CHECK(hop("u@[::1]:33", 8) == Words{"-l", "u", "-p", "33", "-W", "[t]:7", "--", "::1"});
  CHECK(hop("[fe80::2]", 4) == Words{"-W", "[t]:7", "--", "fe80::2"});
}

TEST_CASE("a proxy command is the user's, with ssh's tokens") {
  ::setenv("SHELL", "/bin/sh", 1);
  const std::string lines = "host alias\nhostname real\nport 7\nuser ana\nproxycommand ";
  CHECK(transport::proxy_argv(parsed(lines + "nc %h %p # %r %n 100%%\n")) ==
        std::vector<std::string>{"/bin/sh", "-c", "exec nc real 7 # ana alias 100%"});
  CHECK_THROWS_AS(transport::proxy_argv(parsed(lines + "x %C\n")), transport::NotForLibssh2);
  CHECK_THROWS_AS(transport::proxy_argv(parsed(lines + "x\nproxyusefdpass yes\n")),
                  transport::NotForLibssh2);
}

TEST_CASE("a key file tells what it is without its passphrase") {
  const Scratch scratch;
  make_key(scratch / "plain");
  make_key(scratch / "locked", "ed25519", "sesame");
  make_key(scratch / "rsa", "rsa");
  for (const char* name : {"plain", "locked", "rsa"}) {
    const fs::path path = scratch / name;
    const auto with_pub = transport::read_key_file(path);
    fs::remove(path.string() + ".pub");
    const auto alone = transport::read_key_file(path);
    INFO(name);
    CHECK(alone.is_private);
    CHECK(alone.blob == with_pub.blob);
    CHECK(alone.encrypted == (std::string(name) == "locked"));
    CHECK(alone.type == (std::string(name) == "rsa" ? "ssh-rsa" : "ssh-ed25519"));
  }
  CHECK_FALSE(transport::read_key_file(scratch / "none").there);
  real_files().write(scratch / "odd", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n");
  CHECK(transport::read_key_file(scratch / "odd").type.empty());
}

TEST_CASE("the next address of a name is tried when the first refuses") {
  const Sshd sshd;  // listens on 127.0.0.1 only
  Endpoint endpoint;
  endpoint.host = "localhost";
  endpoint.port = sshd.port();
  CHECK(transport::connect_tcp(endpoint, system_clock().steady_ms() + 5'000, -1).valid());
}

}  // namespace workflow::test
