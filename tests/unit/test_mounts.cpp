#include <catch2/catch.hpp>

#include "tasks/mounts.h"

namespace workflow::tasks {
namespace {

const char* const mountinfo =
    "22 1 259:1 / / rw,relatime - ext4 /dev/nvme0n1p1 rw\n"
    "31 22 0:26 / /mnt rw,nosuid,nodev shared:15 master:3 - fuse.s3fs s3fs rw,user_id=0\n"
    "32 31 0:27 / /mnt/with\\040space ro,noexec - nfs4 server:/export rw\n"
    "33 22 0:28 / /tmp rw,nosuid,noexec - tmpfs tmpfs rw,size=1024k\n"
    "34 33 0:29 / /tmp rw - xfs /dev/sdb ro\n";

}  // namespace

TEST_CASE("a path lies on the deepest mount above it") {
  CHECK(mount_in(mountinfo, "/home/ana")->type == "ext4");
  CHECK(mount_in(mountinfo, "/mnt/pod/outputs")->type == "fuse.s3fs");
  CHECK(mount_in(mountinfo, "/mnt")->is_fuse());
  // A name that only begins like a mount's is not below it.
  CHECK(mount_in(mountinfo, "/mnt2/x")->type == "ext4");
}

TEST_CASE("names with blanks, options and what covers what are read") {
  const auto nfs = mount_in(mountinfo, "/mnt/with space/a");
  REQUIRE(nfs);
  CHECK(nfs->is_network());
  CHECK(nfs->read_only);
  CHECK(nfs->no_exec);
  CHECK(nfs->source == "server:/export");
  // Of two mounts at one place the later one is seen.
  const auto tmp = mount_in(mountinfo, "/tmp/x");
  REQUIRE(tmp);
  CHECK(tmp->type == "xfs");
  CHECK(tmp->read_only);
  CHECK_FALSE(tmp->no_exec);
}

TEST_CASE("lines that are none are passed over") {
  CHECK_FALSE(mount_in("", "/x"));
  CHECK_FALSE(mount_in("36 35 98:0 /mnt1\nnonsense - \n", "/x"));
}

TEST_CASE("a path that does not exist lies where its nearest parent lies") {
  CHECK(nearest_existing("/usr/bin/no/such/path") == "/usr/bin");
  CHECK(mount_of("/no/such/path"));
  const auto space = space_at("/no/such/path");
  REQUIRE(space);
  CHECK(space->total_bytes > 0);
}

}  // namespace workflow::tasks
