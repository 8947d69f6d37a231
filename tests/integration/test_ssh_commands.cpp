// ssh, attach and forward: what hands over to the system's ssh.
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/far_space.h"
#include "tests/support/terminal.h"

namespace workflow::test {
namespace {

UniqueFd loopback_socket(int& port, bool listens) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      (listens && ::listen(fd.get(), 16) != 0)) {
    throw std::runtime_error("no port");
  }
  port = ntohs(address.sin_port);
  return fd;
}

int free_port() {
  int port = 0;
  (void)loopback_socket(port, false);
  return port;
}

/// A server of one word: whoever connects is told it.
class Greeter {
 public:
  Greeter() : listener_(loopback_socket(port_, true)) {
    thread_ = std::thread([this] {
      while (true) {
        const UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
        if (!client.valid()) return;
        [[maybe_unused]] const auto n = ::write(client.get(), "hello\n", 6);
      }
    });
  }
  ~Greeter() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  Greeter(const Greeter&) = delete;
  Greeter& operator=(const Greeter&) = delete;
  [[nodiscard]] int port() const { return port_; }

 private:
  int port_ = 0;
  UniqueFd listener_;
  std::thread thread_;
};

/// What a port of this machine says to whoever connects; empty when nobody is there.
std::string said_at(int port) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{2, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  char buffer[64];
  const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
  return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
}

}  // namespace

TEST_CASE("forward opens the target's ports here, comes back after a cut, and ends at Ctrl-C") {
  const FarSpace far("auto");
  const Greeter first;
  const Greeter second;
  const int one = free_port();
  const int two = free_port();
  const pid_t client =
      far.space.start({"forward", std::to_string(one) + ":" + std::to_string(first.port()),
                       std::to_string(two) + ":127.0.0.1:" + std::to_string(second.port())},
                      "out");
  const std::string url = "http://127.0.0.1:" + std::to_string(one);
  REQUIRE(eventually([&] { return contains(far.space.read("out"), url); }));
  CHECK(said_at(one) == "hello\n");
  CHECK(said_at(two) == "hello\n");
  far.cut();
  CHECK(eventually([&] { return contains(far.space.read("out"), "connection lost"); }));
  CHECK(eventually([&] { return said_at(one) == "hello\n" && said_at(two) == "hello\n"; }));
  ::kill(client, SIGINT);
  CHECK(exit_of(client) == 0);
  CHECK(contains(far.space.read("out"), "forwarding ended"));
  CHECK(said_at(one).empty());
}

TEST_CASE("a port that is taken here is named before anything is asked") {
  const FarSpace far("auto");
  const Greeter taken;
  const std::string port = std::to_string(taken.port());
  const Captured answer = far.run({"forward", port});
  CHECK(answer.status.code == 7);
  CHECK(contains(answer.err, "port " + port + " of this machine cannot be used"));
  CHECK(contains(answer.err, "workflow forward LOCAL:PORT"));
  CHECK(far.sshd().logins() == 0);
}

TEST_CASE("forward refuses what makes no sense") {
  const FarSpace local("local");
  const Captured here = local.run({"forward", "6006"});
  CHECK(here.status.code == 2);
  CHECK(contains(here.err, "its ports are here already"));
  for (const char* word : {"x", "0", "65536", "1:2:3:4", "1::2", "1:a b:2", "1:-oX:2x", ""}) {
    INFO(word);
    CHECK(local.run({"forward", word}).status.code == 2);
  }
  CHECK(local.run({"forward"}).status.code == 2);
  FarSpace nobody("auto");
  nobody.space.set("WF_TARGET=ssh://nobody@127.0.0.1:" + std::to_string(free_port()));
  CHECK(nobody.run({"forward", std::to_string(free_port())}).status.code == 4);
}

TEST_CASE("ssh is a shell there, or a program with every byte of its words") {
  const FarSpace far("auto");
  const Captured shell = far.run({"ssh"}, "echo I am $((40 + 2)); exit 5\n");
  CHECK(contains(shell.out, "I am 42"));
  CHECK(shell.status.code == 5);
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  const Captured words = far.run({"ssh", "--", "printf", "%s|%s", all, "$(id)"});
  CHECK((words.out == all + "|$(id)"));
  CHECK(far.run({"ssh", "--", "pwd"}).out == far.far().string() + "\n");
  CHECK(far.run({"ssh", "--", "sh", "-c", "exit 7"}).status.code == 7);
  const Captured json = far.run({"--json", "ssh"});
  CHECK(json.status.code == 2);
  CHECK(contains(json.out, "\"usage\""));
}

TEST_CASE("ssh of this machine is a login shell of its own") {
  FarSpace here("local");
  here.space.set("SHELL=/bin/sh");
  CHECK(contains(here.run({"ssh"}, "echo I am $((40 + 2))\n").out, "I am 42"));
  CHECK(here.run({"ssh", "--", "pwd"}).out == here.far().string() + "\n");
}

TEST_CASE("a program on a terminal there has a terminal") {
  const FarSpace far("auto");
  const Shown shown =
      show_on_terminal(far.space, {"ssh", "--", "sh", "-c", "test -t 0 && tty"}, 80);
  CHECK(contains(shown.bytes, "/dev/pts/"));
  CHECK(shown.status.code == 0);
}

TEST_CASE("attach shows the window of a task behind ssh") {
  const FarSpace far("auto");
  REQUIRE(far.run({"task-run", "--id", "shown", "--cmd", "echo I am the task; sleep 300"}).ok());
  const Captured told = far.run({"attach", "shown"});
  CHECK(told.ok());
  CHECK(told.out.rfind("ssh -o RemoteCommand=none ", 0) == 0);
  CHECK(contains(told.out, " -t -- pod "));
  CHECK(contains(told.out, far.space.tmux_socket()));
  // The window closes with its task: so the terminal comes to its end.
  std::thread later([&] {
    CaptureSpec clients;
    clients.argv = {"tmux", "-L", far.space.tmux_socket(), "list-clients"};
    (void)eventually([&] { return !trim(capture(clients).out).empty(); });
    (void)far.run({"task-cancel", "shown"});
    CaptureSpec kill;
    kill.argv = {"tmux", "-L", far.space.tmux_socket(), "kill-server"};
    (void)capture(kill);
  });
  const Shown shown = show_on_terminal(far.space, {"attach", "shown"}, 80);
  later.join();
  CHECK(contains(shown.bytes, "I am the task"));
  CHECK(far.run({"attach", "no/such"}).status.code == 2);
  CHECK(far.run({"attach", "nosuch"}).status.code == 6);
}

}  // namespace workflow::test
