#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "common/files.h"

namespace workflow::sync {

/// Everything at and below a path: the path itself first, directories before what is in them,
/// names in order, links not followed. What vanishes meanwhile is left out.
class Walk {
 public:
  /// Error(not_found) when nothing is there.
  explicit Walk(fs::path root);

  struct Found {
    fs::path path;
    std::string below;  ///< the path below the root; empty: the root
    struct stat info {};
  };
  /// Error(precondition) that names what cannot be read, or is no file, directory or link.
  [[nodiscard]] std::optional<Found> next();

 private:
  struct Level {
    std::string below;
    std::vector<std::string> names;
    std::size_t at = 0;
  };
  [[nodiscard]] std::optional<Found> look(const std::string& below);
  void enter(const Found& directory);

  fs::path root_;
  bool begun_ = false;
  std::vector<Level> levels_;
};

}  // namespace workflow::sync
