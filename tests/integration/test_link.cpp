// Bringing the agent to a target and calling it there, over this machine's own shell.
#include <signal.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/pipe.h"
#include "common/sha256.h"
#include "common/text.h"
#include "remote/link/link.h"
#include "tests/support/flaky_transport.h"
#include "tests/support/scratch.h"
#include "tests/support/workspace.h"

namespace workflow::test {
namespace {

std::string machine() {
  utsname name{};
  ::uname(&name);
  return name.machine;
}

/// A home of its own, and an agent that no other test has: its hash is in its file's name.
class Far {
 public:
  explicit Far(std::string agent)
      : bytes_(std::move(agent)), sha_(sha256_hex(bytes_)), machine_(machine()) {
    fs::create_directories(home());
    ::signal(SIGPIPE, SIG_IGN);  // as every program of ours that writes to a far end
    if (const char* old = std::getenv("HOME")) old_home_ = old;
    ::setenv("HOME", home().c_str(), 1);
  }
  ~Far() {
    ::setenv("HOME", old_home_.c_str(), 1);
    std::error_code ignored;
    fs::remove(in_var_tmp(), ignored);
  }
  Far(const Far&) = delete;
  Far& operator=(const Far&) = delete;

  [[nodiscard]] link::Link link(int interrupt_fd = -1) const {
    return {std::make_unique<FlakyTransport>(transport::local_transport(interrupt_fd), told),
            {{bytes_, sha_, machine_}}};
  }
  [[nodiscard]] protocol::Request status() const {
    return {"fsm-status",
            {{"settings", {{"OPS_REMOTE_OUTPUTS_DIR", (scratch_ / "outputs").string()}}}},
            "token",
            {{"padding", std::string(200'000, 'x')}}};
  }
  [[nodiscard]] fs::path home() const { return scratch_ / "home"; }
  [[nodiscard]] fs::path cache() const { return home() / ".cache" / "workflow"; }
  [[nodiscard]] fs::path agent() const { return cache() / ("agent-" + sha_); }
  [[nodiscard]] fs::path in_var_tmp() const {
    return fs::path("/var/tmp/workflow-" + std::to_string(::getuid())) / ("agent-" + sha_);
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

  std::shared_ptr<FlakyTransport::Told> told = std::make_shared<FlakyTransport::Told>();

 private:
  Scratch scratch_;
  std::string bytes_;
  std::string sha_;
  std::string machine_;
  std::string old_home_;
};

/// The real agent; bytes behind the end of an executable change its hash and nothing else.
std::string real_agent() { return read_file(agent_program()) + random_hex(16); }

/// An agent that is a few lines of shell; $2 is the nonce.
std::string shell_agent(const std::string& lines) {
  return "#!/bin/sh\n# " + random_hex(16) + "\n" + lines + "\n";
}

Error failure(link::Link& link, const protocol::Request& request,
              const link::CallOptions& options = {}) {
  try {
    (void)link.call(request, options);
  } catch (const Error& error) {
    return error;
  }
  FAIL("the call went well");
  throw std::logic_error("not reached");
}

}  // namespace

TEST_CASE("the first call brings the agent, the next ones find it") {
  const Far far(real_agent());
  link::Link link = far.link();
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(far.told->opened == 3);
  struct stat info {};
  REQUIRE(::stat(far.agent().c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0700);
  CHECK(std::size_t(info.st_size) == far.size());
  CHECK(real_files().list(far.cache()).size() == 1);
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(far.told->opened == 4);
}

TEST_CASE("an upload that was cut is never taken for the agent") {
  const std::string agent = shell_agent(
      "echo \"workflow-hello $2 {}\"; cat >/dev/null &\n"
      "echo '{\"event\":\"result\",\"data\":{\"well\":true}}'\n"
      "# " +
      std::string(100'000, '#'));
  for (const std::size_t at : {0UL, 1UL, 17UL, 4096UL, 65'536UL, 99'999UL, agent.size() - 1}) {
    INFO("cut after " << at << " of " << agent.size());
    const Far far(agent + random_hex(4));
    far.told->cut_open = 2;
    far.told->cut_after = at;
    link::Link link = far.link();
    CHECK(failure(link, far.status()).code() == Code::unreachable);
    CHECK_FALSE(fs::exists(far.agent()));
    CHECK_FALSE(fs::exists(far.in_var_tmp()));
    CHECK(real_files().list(far.cache()).empty());
    CHECK(flag_at(link.call(far.status()), "well"));
    CHECK(fs::exists(far.agent()));
  }
}

TEST_CASE("an agent that does not match its hash is not installed") {
  const Far far(shell_agent("exit 0"));
  const std::string other = shell_agent("exit 0");
  const std::string sha(64, '0');
  const std::string here = machine();
  link::Link link(transport::local_transport(-1), {{other, sha, here}});
  const Error error = failure(link, far.status());
  CHECK(error.code() == Code::precondition);
  CHECK(std::string(error.what()).find("damaged") != std::string::npos);
  CHECK(real_files().list(far.cache()).empty());
}

TEST_CASE("a home that takes no agent: it goes to /var/tmp") {
  const Far far(real_agent());
  real_files().write(far.home() / ".cache", "a file", {.durable = false});
  link::Link link = far.link();
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(fs::exists(far.in_var_tmp()));
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(far.told->opened == 4);
}

TEST_CASE("another kind of machine is named") {
  const Far far(shell_agent("exit 0"));
  const std::string bytes = shell_agent("exit 0");
  const std::string sha = sha256_hex(bytes);
  link::Link link(transport::local_transport(-1), {{bytes, sha, "vax"}});
  const Error error = failure(link, far.status());
  CHECK(error.code() == Code::precondition);
  CHECK(std::string(error.what()).find("'vax'") != std::string::npos);
  CHECK(std::string(error.what()).find("'" + machine() + "'") != std::string::npos);
}

TEST_CASE("words before the hello are passed over") {
  const Far far(real_agent());
  far.told->before =
      "printf 'Welcome to gpu7\\n{\"event\":\"result\"}\\nno newline '; "
      "echo 'stty: not a terminal' >&2; ";
  link::Link link = far.link();
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
}

TEST_CASE("an agent that ends without an answer: the outcome is unknown") {
  const std::string how = GENERATE("kill -9 $$", "exit 0", "echo '{\"event\":\"sta'; exit 3");
  const Far far(
      shell_agent("echo \"workflow-hello $2 {}\"\necho '{\"event\":\"started\"}'\n" + how));
  link::Link link = far.link();
  int events = 0;
  const Error error = failure(link, far.status(), {.on_event = [&](const Json&) { ++events; }});
  CHECK(error.code() == Code::unreachable);
  CHECK(std::string(error.what()).find("outcome unknown") != std::string::npos);
  CHECK(error.hint().find("fsm-status") != std::string::npos);
  CHECK(events == 1);
}

TEST_CASE("half of an answer is a lost connection, not a fault of the target") {
  const Far far(shell_agent("echo \"workflow-hello $2 {}\"\necho 'Segmentation fault'\n"));
  link::Link link = far.link();
  CHECK(failure(link, far.status()).code() == Code::unreachable);
}

TEST_CASE("the agent's own error arrives as it was") {
  const Far far(real_agent());
  link::Link link = far.link();
  protocol::Request request = far.status();
  request.verb = "no-such-verb";
  CHECK(failure(link, request).code() == Code::bug);
  request = far.status();
  request.verb = "task-status";
  request.args["task_id"] = "nobody";
  CHECK(failure(link, request).code() == Code::not_found);
}

TEST_CASE("a silent agent is given up, a follower's is not") {
  const Far far(shell_agent("echo \"workflow-hello $2 {}\"\nread request\ncat >/dev/null\n"));
  link::Link link = far.link();
  const Error error = failure(link, far.status(), {.silence_limit_ms = 100});
  CHECK(error.code() == Code::unreachable);
  CHECK(std::string(error.what()).find("no answer for") != std::string::npos);
}

TEST_CASE("Ctrl-C lets go at once") {
  const Far far(
      shell_agent("echo \"workflow-hello $2 {}\"\necho '{\"event\":\"started\"}'\n"
                  "cat >/dev/null\n"));
  const Pipe interrupts = make_pipe();
  link::Link link = far.link(interrupts.read.get());
  const Error error = failure(link, far.status(), {.on_event = [&](const Json&) {
                                CHECK(::write(interrupts.write.get(), "c", 1) == 1);
                              }});
  CHECK(error.code() == Code::detached);
}

}  // namespace workflow::test
