// One contract for every way to reach a target: the same cases over local, libssh2 and openssh.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/clock.h"
#include "common/error.h"
#include "common/pipe.h"
#include "common/subprocess.h"
#include "remote/transport/ssh.h"
#include "tasks/process.h"
#include "tests/support/sshd.h"

using namespace std::string_literals;
using workflow::Code;
using workflow::Error;
using workflow::test::Sshd;
using workflow::transport::Channel;
using workflow::transport::Transport;

namespace {

const Sshd& server() {
  static const Sshd sshd;
  return sshd;
}

/// The system's ssh finds its settings through PATH; a home's own are never touched.
void use_own_ssh(const Sshd& sshd) {
  static const std::string path = std::getenv("PATH");
  ::setenv("PATH", (sshd.ssh_bin().string() + ":" + path).c_str(), 1);
  ::setenv("XDG_RUNTIME_DIR", sshd.dir().c_str(), 1);
}

std::unique_ptr<Transport> make(const std::string& kind, int interrupt_fd = -1) {
  if (kind == "local") return workflow::transport::local_transport(interrupt_fd);
  use_own_ssh(server());
  const auto endpoint = server().endpoint();
  if (kind == "libssh2") return workflow::transport::libssh2_transport(endpoint, interrupt_fd);
  return workflow::transport::openssh_transport(endpoint, interrupt_fd);
}

/// Ends the connection that the system's ssh keeps open.
void end_master() {
  for (const auto& entry : workflow::fs::directory_iterator(server().dir() / "workflow")) {
    if (!entry.is_socket()) continue;
    workflow::CaptureSpec end;
    end.argv = {"/usr/bin/ssh", "-F",   "none", "-o", "ControlPath=" + entry.path().string(),
                "-O",           "exit", "pod"};
    REQUIRE(workflow::capture(end).ok());
  }
}

struct Heard {
  std::string out;
  std::string err;
  bool ended = false;
};

Heard listen(Channel& channel, std::int64_t limit_ms = 30'000) {
  Heard heard;
  const auto deadline = workflow::system_clock().steady_ms() + limit_ms;
  while (!heard.ended && workflow::system_clock().steady_ms() < deadline) {
    const auto chunk = channel.read(1000);
    heard.out += chunk.out;
    heard.err += chunk.err;
    heard.ended = chunk.ended;
  }
  return heard;
}

}  // namespace

TEST_CASE("every byte passes both ways") {
  const std::string kind = GENERATE("local", "libssh2", "openssh");
  CAPTURE(kind);
  const auto transport = make(kind);
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (int i = 0; i < 12; ++i) all += all;  // 1 MiB
  const auto channel = transport->open("cat");
  channel->write(all);
  channel->end_input();
  const Heard heard = listen(*channel);
  CHECK(heard.ended);
  CHECK(heard.out.size() == all.size());
  CHECK(heard.out == all);
  CHECK(channel->exit().ok());
}

TEST_CASE("a mebibyte on both streams at once does not hang") {
  const std::string kind = GENERATE("local", "libssh2", "openssh");
  CAPTURE(kind);
  const auto transport = make(kind);
  const auto channel =
      transport->open("head -c 1048576 /dev/zero & head -c 1048576 /dev/zero >&2 & wait");
  const Heard heard = listen(*channel);
  CHECK(heard.ended);
  CHECK(heard.out.size() == 1048576);
  CHECK(heard.err.size() == 1048576);
}

TEST_CASE("exit codes come back as they are") {
  const std::string kind = GENERATE("local", "libssh2", "openssh");
  CAPTURE(kind);
  const auto transport = make(kind);
  // Over openssh each is a process of its own: a few stand for all. 255 is what ssh itself ends
  // with.
  for (int code = 0; code < 256; code += kind == "openssh" ? 51 : 1) {
    const auto channel = transport->open("exit " + std::to_string(code));
    REQUIRE(listen(*channel).ended);
    CHECK(channel->exit().code == code);
  }
}

TEST_CASE("death by a signal is told as one") {
  const std::string kind = GENERATE("local", "libssh2");
  CAPTURE(kind);
  const auto transport = make(kind);
  for (const int signal : {SIGTERM, SIGKILL, SIGINT}) {
    const auto channel = transport->open("kill -" + std::to_string(signal) + " $$");
    REQUIRE(listen(*channel).ended);
    const auto status = channel->exit();
    CHECK(status.signal == signal);
    CHECK_FALSE(status.code.has_value());
  }
}

TEST_CASE("ssh tells no signal: a command that one ended is unknown, never code 255") {
  const auto transport = make("openssh");
  const auto channel = transport->open("echo before; kill -KILL $$");
  std::string out;
  try {
    for (int i = 0; i < 30; ++i) {
      const auto chunk = channel->read(1000);
      out += chunk.out;
      REQUIRE_FALSE(chunk.ended);
    }
    FAIL("it never ended");
  } catch (const Error& error) {
    CHECK(error.code() == Code::unreachable);
    CHECK(std::string(error.what()).find("outcome unknown") != std::string::npos);
  }
  CHECK(out == "before\n");
  // The shell around it outlives a program of the command's.
  const auto inner = transport->open("sh -c \"kill -TERM \\$\\$\"");
  REQUIRE(listen(*inner).ended);
  CHECK(inner->exit().code == 128 + SIGTERM);
}

TEST_CASE("a lost connection of ssh is unknown, and the next command logs in again") {
  const auto transport = make("openssh");
  const auto channel = transport->open("echo up; cat");
  std::string out;
  while (out.find("up") == std::string::npos) out += channel->read(1000).out;
  end_master();
  try {
    while (!channel->read(1000).ended) {
    }
    FAIL("it ended as if nothing had been");
  } catch (const Error& error) {
    CHECK(error.code() == Code::unreachable);
    CHECK(std::string(error.what()).find("outcome unknown") != std::string::npos);
  }
  CHECK(listen(*transport->open("echo again")).out == "again\n");
}

TEST_CASE("at most eight commands share one connection") {
  const auto transport = make("libssh2");
  std::vector<std::unique_ptr<Channel>> channels;
  for (int i = 0; i < 8; ++i) channels.push_back(transport->open("cat"));
  try {
    (void)transport->open("cat");
    FAIL("a ninth was opened");
  } catch (const Error& error) {
    CHECK(error.code() == Code::busy);
  }
  channels.clear();
  CHECK(listen(*transport->open("echo free")).out == "free\n");
}

TEST_CASE("a read gives up at its limit and the command goes on") {
  const std::string kind = GENERATE("local", "libssh2", "openssh");
  CAPTURE(kind);
  const auto transport = make(kind);
  const auto channel = transport->open("read line; echo got $line");
  const auto before = workflow::system_clock().steady_ms();
  std::string early;
  while (workflow::system_clock().steady_ms() - before < 600) early += channel->read(200).out;
  CHECK(early.empty());
  channel->write("it\n");
  CHECK(listen(*channel).out == "got it\n");
}

TEST_CASE("an interrupt ends a read at once") {
  const std::string kind = GENERATE("local", "libssh2", "openssh");
  CAPTURE(kind);
  const workflow::Pipe interrupts = workflow::make_pipe();
  const auto transport = make(kind, interrupts.read.get());
  const auto channel = transport->open("read line");
  (void)channel->read(50);
  REQUIRE(::write(interrupts.write.get(), "c", 1) == 1);
  const auto before = workflow::system_clock().steady_ms();
  CHECK(channel->read(20'000).interrupted);
  CHECK(workflow::system_clock().steady_ms() - before < 10'000);
}

TEST_CASE("its stdin ends when the channel is let go") {
  const std::string kind = GENERATE("local", "libssh2", "openssh");
  CAPTURE(kind);
  const auto transport = make(kind);
  const auto mark = server().dir() / ("ended-" + kind);
  {
    const auto channel = transport->open("echo up; cat >/dev/null; echo >" + mark.string());
    std::string out;
    while (out.find("up") == std::string::npos) out += channel->read(1000).out;
  }
  const auto deadline = workflow::system_clock().steady_ms() + 10'000;
  while (!workflow::fs::exists(mark) && workflow::system_clock().steady_ms() < deadline) {
    (void)transport->open("true")->read(100);
  }
  CHECK(workflow::fs::exists(mark));
}

TEST_CASE("a command line keeps every printable byte and its newlines") {
  const std::string kind = GENERATE("local", "libssh2", "openssh");
  CAPTURE(kind);
  const auto transport = make(kind);
  std::string all = "\n";
  std::string quoted = "\n";
  for (char c = ' '; c < 127; ++c) {
    if (c == '\'') continue;  // the one that a transport does not take
    all += c;
    if (std::string_view("\\\"$`").find(c) != std::string_view::npos) quoted += '\\';
    quoted += c;
  }
  const auto channel = transport->open("printf %s \"" + quoted + "\nend\"");
  CHECK(listen(*channel).out == all + "\nend");
}

TEST_CASE("a read returns for what else there is to do") {
  const std::string kind = GENERATE("local", "libssh2", "openssh");
  CAPTURE(kind);
  const auto transport = make(kind);
  const auto now = [] { return workflow::system_clock().steady_ms(); };
  const auto channel = transport->open("cat >/dev/null; echo all of it");
  const std::string much(workflow::transport::queue_limit * 4, 'x');
  channel->write(much);
  CHECK(channel->unsent() == much.size());
  const auto before = now();
  while (channel->unsent() > workflow::transport::refill_below) (void)channel->read(20'000);
  CHECK(now() - before < 15'000);
  while (channel->unsent() > 0) (void)channel->read(100);
  const workflow::Pipe wake = workflow::make_pipe();
  REQUIRE(::write(wake.write.get(), "w", 1) == 1);
  const auto woken = now();
  const auto chunk = channel->read(20'000, wake.read.get());
  CHECK_FALSE(chunk.interrupted);
  CHECK(now() - woken < 10'000);
  channel->end_input();
  CHECK(listen(*channel).out == "all of it\n");
}

TEST_CASE("a connection that is cut has no exit code") {
  const auto transport = make("libssh2");
  const auto channel = transport->open("echo up; read line; exit 0");
  std::string out;
  while (out.find("up") == std::string::npos) out += channel->read(1000).out;
  for (const auto& process : workflow::tasks::descendants(::getpid())) {
    const std::string line = workflow::tasks::command_line(process.pid);
    if (line.rfind("sshd: ", 0) != 0 || line.find("listener") != std::string::npos) continue;
    workflow::tasks::send_signal(process, SIGKILL);
  }
  try {
    (void)listen(*channel);
    (void)channel->exit();
    FAIL("half a command had an end");
  } catch (const workflow::Error& error) {
    CHECK(error.code() == workflow::Code::unreachable);
  }
}
