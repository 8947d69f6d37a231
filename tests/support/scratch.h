#pragma once

#include <stdlib.h>

#include <stdexcept>

#include "common/files.h"

namespace workflow::test {

/// A directory of one test's own that goes with it.
class Scratch {
 public:
  Scratch() {
    const char* tmp = std::getenv("TMPDIR");
    std::string pattern = std::string(tmp != nullptr ? tmp : "/tmp") + "/workflow-scratch-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    dir_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const fs::path& path() const { return dir_; }
  [[nodiscard]] fs::path operator/(const fs::path& name) const { return dir_ / name; }

 private:
  fs::path dir_;
};

}  // namespace workflow::test
