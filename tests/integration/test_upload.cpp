// Where the agent may lie, what keeps it from lying there, and what is told of it.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include <catch2/catch.hpp>
#include <ctime>
#include <thread>

#include "common/subprocess.h"
#include "remote/transport/process_channel.h"
#include "tests/support/far.h"
#include "tests/support/private_mounts.h"

namespace workflow::test {
namespace {

using Catch::Matchers::Contains;

unsigned mode_of(const fs::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

void age(const fs::path& file, int days) {
  const std::time_t then = std::time(nullptr) - days * 86'400;
  const utimbuf times{then, then};
  REQUIRE(::utime(file.c_str(), &times) == 0);
}

/// This machine through a shell of our choice.
class ShellTransport final : public transport::Transport {
 public:
  explicit ShellTransport(std::vector<std::string> shell) : shell_(std::move(shell)) {}
  std::unique_ptr<transport::Channel> open(const std::string& command) override {
    std::vector<std::string> argv = shell_;
    argv.insert(argv.end(), {"-c", command});
    return transport::process_channel(argv, -1);
  }
  [[nodiscard]] std::string target() const override { return shell_.front(); }

 private:
  std::vector<std::string> shell_;
};

void goes_to_var_tmp(const Far& far) {
  link::Link link = far.link();
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(read_file(far.in_var_tmp()) == far.bytes());
  CHECK(mode_of(far.in_var_tmp().parent_path()) == 0700);
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(far.told->opened == 4);
}

}  // namespace

TEST_CASE("any POSIX shell brings it and calls it") {
  const Far far(real_agent());
  std::vector<std::string> shell;
  SECTION("dash") { shell = {"dash"}; }
  SECTION("bash as sh") { shell = {"bash", "--posix"}; }
  SECTION("a system of busybox alone, such as Alpine") {
    const fs::path bin = far.dir() / "bin";
    fs::create_directories(bin);
    const Captured listed = capture({.argv = {"busybox", "--list"}});
    REQUIRE(listed.ok());
    const Captured where = capture({.argv = {"sh", "-c", "command -v busybox"}});
    for (const auto& applet : split(trim(listed.out), '\n')) {
      fs::create_symlink(trim(where.out), bin / applet);
    }
    shell = {"env", "PATH=" + bin.string(), (bin / "sh").string()};
  }
  link::Link link = far.link(std::make_unique<ShellTransport>(shell));
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(read_file(far.agent()) == far.bytes());
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(far.told->opened == 4);
}

TEST_CASE("a home without exec: the agent goes to /var/tmp and leaves nothing behind") {
  need_private_mounts();
  const Far far(real_agent());
  const Tmpfs home(far.home(), MS_NOEXEC);
  goes_to_var_tmp(far);
  CHECK(real_files().list(far.cache()).empty());
}

TEST_CASE("a home that is read-only: the agent goes to /var/tmp") {
  need_private_mounts();
  const Far far(real_agent());
  const Tmpfs home(far.home(), MS_RDONLY);
  goes_to_var_tmp(far);
}

TEST_CASE("a full home: the agent goes to /var/tmp and leaves nothing behind") {
  need_private_mounts();
  const Far far(real_agent());
  const Tmpfs home(far.home(), 0, "1m");
  goes_to_var_tmp(far);
  CHECK(real_files().list(far.cache()).empty());
}

TEST_CASE("a home that is not set or not there is not made") {
  const Far far(real_agent());
  link::Link link = far.link();
  SECTION("not set: that the agent itself says") {
    ::unsetenv("HOME");
    CHECK_THAT(failure(link, far.status()).what(), Contains("HOME is not set"));
  }
  SECTION("not there") {
    ::setenv("HOME", "/var/home-of-nobody", 1);
    CHECK(text_at(link.call(far.status()), "state") == "INIT");
  }
  CHECK(read_file(far.in_var_tmp()) == far.bytes());
  CHECK_FALSE(fs::exists("/var/home-of-nobody"));
  CHECK_FALSE(fs::exists("/.cache/workflow"));
}

TEST_CASE("no place takes the agent: each is named with its reason") {
  need_private_mounts();
  const Far far(real_agent());
  const Tmpfs home(far.home(), 0, "1m");
  const Tmpfs var_tmp("/var/tmp", MS_NOEXEC);
  link::Link link = far.link();
  const Error error = failure(link, far.status());
  CHECK(error.code() == Code::precondition);
  CHECK_THAT(error.what(), Contains(far.cache().string() + ": ") &&
                               Contains("No space left on device") &&
                               Contains(far.in_var_tmp().parent_path().string() + ": ") &&
                               Contains("no program may run there"));
  CHECK_THAT(error.hint(), Contains("MB free"));
  CHECK(real_files().list(far.cache()).empty());
  CHECK(real_files().list(far.in_var_tmp().parent_path()).empty());
}

TEST_CASE("a directory of somebody else is never used") {
  if (::geteuid() != 0) {
    WARN("needs root to give a directory away");
    return;
  }
  const Far far(real_agent());
  fs::create_directories(far.cache());
  REQUIRE(::chown(far.cache().c_str(), 65534, 65534) == 0);
  goes_to_var_tmp(far);
  CHECK(real_files().list(far.cache()).empty());
}

TEST_CASE("a link that somebody may have put under /var/tmp is not followed") {
  need_private_mounts();
  const Far far(real_agent());
  real_files().write(far.home() / ".cache", "a file", {.durable = false});
  const Tmpfs var_tmp("/var/tmp", 0);
  const fs::path mine = far.dir() / "mine";
  fs::create_directories(mine);
  REQUIRE(::chmod(mine.c_str(), 0755) == 0);
  fs::create_symlink(mine, far.in_var_tmp().parent_path());
  link::Link link = far.link();
  const Error error = failure(link, far.status());
  CHECK(error.code() == Code::precondition);
  CHECK_THAT(error.what(), Contains("a symbolic link"));
  CHECK(mode_of(mine) == 0755);
  CHECK(real_files().list(mine).empty());
}

TEST_CASE("directories that are there keep their modes; ours is ours alone") {
  const Far far(real_agent());
  fs::create_directories(far.cache());
  REQUIRE(::chmod((far.home() / ".cache").c_str(), 0755) == 0);
  REQUIRE(::chmod(far.cache().c_str(), 0777) == 0);
  link::Link link = far.link();
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(mode_of(far.home() / ".cache") == 0755);
  CHECK(mode_of(far.cache()) == 0700);
}

TEST_CASE("a damaged agent under its own name is replaced") {
  const Far far(real_agent());
  link::Link link = far.link();
  REQUIRE(text_at(link.call(far.status()), "state") == "INIT");
  std::string bytes = far.bytes();
  SECTION("zeros, as after a power cut") { bytes.assign(bytes.size(), '\0'); }
  SECTION("nothing at all") { bytes.clear(); }
  SECTION("the first half") { bytes.resize(bytes.size() / 2); }
  SECTION("another machine's executable") { bytes[18] = '\x15'; }
  SECTION("other code where it begins") { bytes.replace(0x1000, 1'000'000, 1'000'000, '\0'); }
  real_files().write(far.agent(), bytes, {.mode = 0700, .durable = false});
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(read_file(far.agent()) == far.bytes());
  CHECK(real_files().list(far.cache()).size() == 1);
}

TEST_CASE("an agent that cannot say hello there is not installed, and its words are told") {
  const Far far(shell_agent("echo \"kernel too old\" >&2; exit 1"));
  link::Link link = far.link();
  const Error error = failure(link, far.status());
  CHECK(error.code() == Code::precondition);
  CHECK_THAT(error.what(), Contains("does not run: kernel too old"));
  CHECK(real_files().list(far.cache()).empty());
}

TEST_CASE("clients that bring it at one moment all find it") {
  const Far far(real_agent());
  std::vector<std::string> states(4);
  std::vector<std::thread> clients;
  for (std::string& state : states) {
    clients.emplace_back([&] {
      link::Link link(transport::local_transport(-1), {far.image()});
      try {
        state = text_at(link.call(far.status()), "state");
      } catch (const Error& error) {
        state = error.what();
      }
    });
  }
  for (auto& client : clients) client.join();
  CHECK(states == std::vector<std::string>(4, "INIT"));
  CHECK(real_files().list(far.cache()) == std::vector{far.agent().filename().string()});
}

TEST_CASE("an upload clears away agents that are a month old, and nothing else") {
  const Far far(real_agent());
  fs::create_directories(far.cache() / "agent--directory");
  for (const auto& [name, days] : std::vector<std::pair<std::string, int>>{{"agent-old", 40},
                                                                           {"agent-young", 20},
                                                                           {".agent-left", 3},
                                                                           {".agent-now", 0},
                                                                           {"notes", 99}}) {
    real_files().write(far.cache() / name, "x", {.durable = false});
    age(far.cache() / name, days);
  }
  link::Link link = far.link();
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  CHECK(real_files().list(far.cache()) == std::vector<std::string>{".agent-now", "agent--directory",
                                                                   far.agent().filename().string(),
                                                                   "agent-young", "notes"});
}

}  // namespace workflow::test
