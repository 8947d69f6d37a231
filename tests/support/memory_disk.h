#pragma once

#include <sys/statvfs.h>

#include <cstdlib>

namespace workflow::test {

/// From now on this process makes its scratch directories in memory, where that can run programs:
/// hundreds of rounds flush thousands of times, and a killed process loses nothing by a disk that
/// is none.
inline bool use_memory_disk() {
  constexpr unsigned long needed_bytes = 512UL << 20;
  struct statvfs disk {};
  if (::statvfs("/dev/shm", &disk) != 0 || (disk.f_flag & (ST_NOEXEC | ST_RDONLY)) != 0)
    return false;
  if (disk.f_bavail * disk.f_frsize < needed_bytes) return false;
  return ::setenv("TMPDIR", "/dev/shm", 1) == 0;
}

}  // namespace workflow::test
