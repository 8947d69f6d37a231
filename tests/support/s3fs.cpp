#include "tests/support/s3fs.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <stdexcept>

#include "common/spawn.h"
#include "tasks/mounts.h"
#include "tests/support/eventually.h"

namespace workflow::test {

FakeS3fs::FakeS3fs(const fs::path& at) : at_(at) {
  fs::create_directories(backing());
  fs::create_directories(dir_ / "control");
  fs::create_directories(at);
  SpawnSpec spec;
  spec.argv = {WORKFLOW_FAKE_S3FS, backing().string(), (dir_ / "control").string(), at.string()};
  const Spawned server = spawn(spec);
  if (server.failure) throw std::runtime_error("cannot start fake_s3fs");
  server_ = server.pid;
  const bool mounted = eventually([&] {
    const auto mount = tasks::mount_of(at);
    return mount && mount->type == "fuse.s3fs";
  });
  if (!mounted) throw std::runtime_error("fake_s3fs does not mount on " + at.string());
}

FakeS3fs::~FakeS3fs() {
  ::kill(server_, SIGKILL);
  ::waitpid(server_, nullptr, 0);
  ::umount2(at_.c_str(), MNT_DETACH);
}

void FakeS3fs::hang(bool on) const {
  const fs::path file = dir_ / "control/hang";
  if (on) real_files().write(file, "", {.durable = false});
  if (!on) fs::remove(file);
}

void FakeS3fs::tear(const std::string& name) const {
  const fs::path file = dir_ / "control/tear";
  real_files().write(file, name, {.durable = false});
}

}  // namespace workflow::test
