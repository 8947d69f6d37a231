#pragma once

#include <sys/inotify.h>
#include <unistd.h>

#include <array>

#include "common/files.h"
#include "common/unique_fd.h"

namespace workflow::tasks {

/// The kernel's word that something in a directory changed. It says nothing of FUSE and NFS: there
/// one has to look again all the same.
class Notices {
 public:
  explicit Notices(const fs::path& dir) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (fd_.valid()) {
      ::inotify_add_watch(fd_.get(), dir.c_str(),
                          IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF);
    }
  }
  /// Readable after a change, until clear(); -1 where the kernel cannot tell.
  [[nodiscard]] int fd() const { return fd_.get(); }
  void clear() const {
    std::array<char, 4096> buffer;
    while (::read(fd_.get(), buffer.data(), buffer.size()) > 0) {
    }
  }

 private:
  UniqueFd fd_;
};

}  // namespace workflow::tasks
