// Each kind of machine gets its own agent. The one for aarch64 runs under qemu.
#include <elf.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>

#include "common/subprocess.h"
#include "tests/support/far.h"
#include "tests/support/provoked.h"

namespace workflow::test {
namespace {

using Catch::Matchers::Contains;

// Sanitizers cannot be linked statically.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// The agent for a machine as this build carries it.
link::AgentImage carried(const std::string& machine) {
  const link::AgentImages all = link::agents();
  const link::AgentImage* found = link::find_agent(all, machine);
  INFO("this build carries no agent for " << machine);
  REQUIRE(found != nullptr);
  return *found;
}

std::string qemu() {
  for (const char* path : {"/usr/bin/qemu-aarch64", "/usr/bin/qemu-aarch64-static"}) {
    if (::access(path, X_OK) == 0) return path;
  }
  FAIL("qemu-aarch64 is not there: scripts/install tests");
  return {};
}

/// A directory with a `uname` that names another machine.
fs::path uname_of(const fs::path& dir, const std::string& machine) {
  fs::create_directories(dir);
  real_files().write(dir / "uname", "#!/bin/sh\necho " + machine + "\n", {.mode = 0755});
  return dir;
}

class Path {
 public:
  explicit Path(const fs::path& first) {
    ::setenv("PATH", (first.string() + ":" + old_).c_str(), 1);
  }
  ~Path() { ::setenv("PATH", old_.c_str(), 1); }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

 private:
  std::string old_ = std::getenv("PATH");
};

std::string well(const std::string& name) {
  return shell_agent(
      "echo \"workflow-hello $2 {}\"\necho '{\"event\":\"result\",\"data\":{\"is\":\"" + name +
      "\"}}'");
}

}  // namespace

TEST_CASE("this build carries static agents for both kinds of machine") {
  for (const auto& [machine, number] :
       std::vector<std::pair<std::string, int>>{{"x86_64", EM_X86_64}, {"aarch64", EM_AARCH64}}) {
    CAPTURE(machine);
    const link::AgentImage image = carried(machine);
    Elf64_Ehdr header{};
    REQUIRE(image.bytes.size() > sizeof header);
    std::memcpy(&header, image.bytes.data(), sizeof header);
    CHECK(header.e_machine == number);
    CHECK(image.sha256 == sha256_hex(std::string(image.bytes)));
    if (sanitized && machine == this_machine()) continue;
    CHECK(image.bytes.size() < 6'000'000);
    for (int i = 0; i < header.e_phnum; ++i) {
      Elf64_Phdr part{};
      std::memcpy(&part, image.bytes.data() + header.e_phoff + i * sizeof part, sizeof part);
      CHECK(part.p_type != PT_INTERP);
    }
  }
}

TEST_CASE("the machine's own name chooses the agent, with no round trip more") {
  const auto [name, is] = GENERATE(table<std::string, std::string>(
      {{"aarch64", "arm"}, {"arm64", "arm"}, {"x86_64", "intel"}, {"amd64", "intel"}}));
  CAPTURE(name);
  const Far arm(well("arm"));
  const Far intel(well("intel"));
  const Path path(uname_of(intel.dir() / "bin", name));
  link::Link link(std::make_unique<FlakyTransport>(transport::local_transport(-1), intel.told),
                  {{intel.image().bytes, intel.image().sha256, "x86_64"},
                   {arm.image().bytes, arm.image().sha256, "aarch64"}});
  CHECK(text_at(link.call(intel.status()), "is") == is);
  const Far& wanted = is == "arm" ? arm : intel;
  const fs::path file = intel.cache() / wanted.agent().filename();
  CHECK(real_files().list(intel.cache()) == std::vector{file.filename().string()});
  CHECK(read_file(file) == wanted.bytes());
  CHECK(intel.told->opened == 3);
  CHECK(text_at(link.call(intel.status()), "is") == is);
  CHECK(intel.told->opened == 4);
}

TEST_CASE("another machine is refused with what this build carries") {
  const std::string name = GENERATE("riscv64", "armv7l", "i686");
  const Far far(real_agent());
  const Path path(uname_of(far.dir() / "bin", name));
  link::Link link(transport::local_transport(-1), link::agents());
  const Error error = failure(link, far.status());
  CHECK(error.code() == Code::precondition);
  CHECK_THAT(error.what(), Contains("'" + name + "'") && Contains("'x86_64' and 'aarch64'"));
  CHECK_FALSE(fs::exists(far.cache()));
}

TEST_CASE("the agent for aarch64 answers a call") {
  const Far files("unused");
  const link::AgentImage image = carried("aarch64");
  const fs::path program = files.dir() / "agent";
  real_files().write(program, std::string(image.bytes), {.mode = 0755});
  const Far far(shell_agent("exec " + qemu() + " " + program.string() + " \"$@\""));
  link::Link link = far.link();
  CHECK(text_at(link.call(far.status()), "state") == "INIT");
  protocol::Request request = far.status();
  request.verb = "task-status";
  request.args["task_id"] = "nobody";
  CHECK(failure(link, request).code() == Code::not_found);
}

// The kernel starts the agent's own supervisor, so it has to know qemu; a user namespace has a
// table of such programs of its own. Not proven so: who judges the supervisor's life, because qemu
// tells a process another start time of itself than the kernel tells the rest.
TEST_CASE("an aarch64 machine from the first contact to the end of a task") {
  const Workspace space;
  const fs::path enter = space.dir() / "as-aarch64";
  real_files().write(
      enter,
      "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || exit 77\n"
      "echo ':workflow:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
      "\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff"
      "\\xff\\xff\\xfe\\xff\\xff\\xff:" +
          qemu() +
          ":OF' >/proc/sys/fs/binfmt_misc/register || exit 77\n"
          "export PATH=\"" +
          uname_of(space.dir() / "bin", "aarch64").string() + ":$PATH\"\nexec \"$@\"\n");
  const auto there = [&](std::vector<std::string> words) {
    CaptureSpec spec;
    spec.argv = {"unshare", "--user", "--map-root-user", "--mount", "/bin/bash", enter.string()};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    spec.env = space.environment();
    spec.workdir = space.dir();
    return provoked(spec);
  };
  if (const Captured able = there({"true"}); !able.ok()) {
    WARN("NOT PROVEN HERE: this system lets us register no qemu of our own: " << able.err);
    return;
  }
  const Captured ran = there({workflow_program(), "task-run", "--id", "probe", "--wait", "--", "sh",
                              "-c", "echo from $WF_TASK_ID; exit 3"});
  CHECK(ran.out == "from probe\n");
  CHECK(ran.status.code == 1);
  CHECK(number_at(space.task("probe"), "exit_code") == 3);
  const link::AgentImage image = carried("aarch64");
  const fs::path agent =
      space.home() / ".cache" / "workflow" / ("agent-" + std::string(image.sha256));
  CHECK(read_file(agent) == image.bytes);
}

}  // namespace workflow::test
