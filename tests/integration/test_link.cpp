// Bringing the agent to a target and calling it there, over this machine's own shell.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/pipe.h"
#include "common/sha256.h"
#include "common/text.h"
#include "tests/support/far.h"

namespace workflow::test {
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
  const std::string here = this_machine();
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
  CHECK(std::string(error.what()).find("'" + this_machine() + "'") != std::string::npos);
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
