// Bringing the agent through a real sshd to logins whose shell is not ours to choose.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "remote/transport/ssh.h"
#include "tests/support/far.h"
#include "tests/support/sshd.h"

namespace workflow::test {
namespace {

using Catch::Matchers::Contains;

constexpr const char* original = " -c \"$SSH_ORIGINAL_COMMAND\"";

/// What a login shell may print before anything of ours: no text, somebody's hello, no line's end.
const std::string banner =
    std::string("Welcome\0to \xff\xfe\n", 14) +
    "workflow-hello 0123456789abcdef {}\n{\"event\":\"result\",\"data\":{\"state\":\"FAKE\"}}\n"
    "workflow-absent 0123456789abcdef vax\nno newline";

/// A target that `start` is the login shell of, with the far end's home.
struct Login {
  Login(const Far& far, const std::string& start)
      : sshd("Banner " + (far.dir() / "banner").string() +
             "\nForceCommand env HOME=" + far.home().string() + " " + start + "\n"),
        link(far.link(transport::libssh2_transport(sshd.endpoint(), -1))) {}
  Sshd sshd;
  link::Link link;
};

void write(const fs::path& file, const std::string& bytes) {
  fs::create_directories(file.parent_path());
  real_files().write(file, bytes, {.durable = false});
}

}  // namespace

TEST_CASE("the agent comes and answers through any login shell and its banner") {
  const std::string shell = GENERATE("bash", "dash", "tcsh", "bsd-csh", "fish", "busybox sh");
  CAPTURE(shell);
  const Far far(real_agent());
  write(far.dir() / "banner", banner);
  const std::string print = "cat " + (far.dir() / "banner").string() + "\n";
  write(far.home() / ".bashrc", print);
  write(far.home() / ".cshrc", print);
  write(far.home() / ".config/fish/config.fish", print);
  Login login(far, "BASH_ENV=" + (far.home() / ".bashrc").string() + " " + shell + original);
  CHECK(text_at(login.link.call(far.status()), "state") == "INIT");
  CHECK(far.told->opened == 3);
  CHECK(login.sshd.logins() == 1);
  CHECK(read_file(far.agent()) == far.bytes());
  CHECK(text_at(login.link.call(far.status()), "state") == "INIT");
  CHECK(far.told->opened == 4);
}

TEST_CASE("a login that runs no commands is refused with its own words") {
  const auto [shell, words] = GENERATE(table<std::string, std::string>(
      {{std::string("rbash") + original, "restricted"},
       {"/usr/sbin/nologin", "This account is currently not available"},
       {std::string("git-shell") + original, "unrecognized command"}}));
  CAPTURE(shell);
  const Far far(real_agent());
  write(far.dir() / "banner", banner);
  Login login(far, shell);
  const Error error = failure(login.link, far.status());
  CHECK(error.code() == Code::precondition);
  CHECK_THAT(error.what(), Contains("login shell of pod") && Contains(words));
  CHECK_FALSE(fs::exists(far.cache()));
}

TEST_CASE("a target that repeats what it is told is not taken for a shell") {
  const Far far(real_agent());
  write(far.dir() / "banner", banner);
  Login login(far, "printf \"unknown command: %s\" \"$SSH_ORIGINAL_COMMAND\"");
  CHECK(failure(login.link, far.status()).code() == Code::precondition);
  CHECK_FALSE(fs::exists(far.cache()));
}

}  // namespace workflow::test
