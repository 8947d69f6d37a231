#pragma once

#include <sys/types.h>

#include <string>

#include "tests/support/private_mounts.h"
#include "tests/support/scratch.h"

namespace workflow::test {

/// A fake of s3fs (tests/support/fake_s3fs.cpp), mounted for this process and what it starts; it
/// goes with the object. Needs `private_mounts()` and root.
class FakeS3fs {
 public:
  explicit FakeS3fs(const fs::path& at);
  ~FakeS3fs();
  FakeS3fs(const FakeS3fs&) = delete;
  FakeS3fs& operator=(const FakeS3fs&) = delete;

  /// The files as they lie behind the mount.
  [[nodiscard]] fs::path backing() const { return dir_ / "backing"; }
  /// From now on nothing is answered, or again.
  void hang(bool on) const;
  /// A rename to a file of that name stops half-way and fails; to none when empty.
  void tear(const std::string& name) const;

 private:
  Scratch dir_;
  fs::path at_;
  pid_t server_ = -1;
};

}  // namespace workflow::test
