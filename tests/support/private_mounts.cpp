#include "tests/support/private_mounts.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>

#include "common/error.h"

namespace workflow::test {
namespace {

bool enter() {
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  const bool root = ::geteuid() == 0;
  if (::unshare(root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return false;
  if (!root) {
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << uid << " " << uid << " 1";
    std::ofstream("/proc/self/gid_map") << gid << " " << gid << " 1";
  }
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

}  // namespace

bool private_mounts() {
  static const bool entered = enter();
  return entered;
}

void need_private_mounts() {
  if (!private_mounts()) throw std::runtime_error("this system lets us make no mounts of our own");
}

Tmpfs::Tmpfs(const fs::path& at, unsigned long flags, const std::string& size) : at_(at) {
  if (::mount("tmpfs", at.c_str(), "tmpfs", flags, ("mode=0700,size=" + size).c_str()) != 0) {
    throw std::runtime_error("cannot mount on " + at.string() + ": " + errno_text(errno));
  }
}

Tmpfs::~Tmpfs() { ::umount2(at_.c_str(), MNT_DETACH); }

}  // namespace workflow::test
