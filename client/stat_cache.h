#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/files.h"

namespace workflow::client {

/// The hashes of a tree's files as they were last read: a file whose size, times and inode are the
/// same needs no reading. It lies in XDG_CACHE_HOME/workflow/trees; one that is missing, damaged
/// or of another tree costs time and nothing else.
class StatCache {
 public:
  explicit StatCache(const fs::path& root);

  /// The SHA-256 of a file that is as it was.
  [[nodiscard]] std::optional<std::string> hash_of(const std::string& path,
                                                   const struct stat& info) const;
  /// Notes what a file was when it was read; `info` is from before that. One that was changed no
  /// earlier than this object was made is not kept: it may change again within the same tick of
  /// the file system's clock, and would look the same.
  void note(const std::string& path, const struct stat& info, std::string sha256);
  /// Keeps what was noted, and nothing else. A cache that cannot be written is none.
  void save() const;

  [[nodiscard]] static fs::path place(const fs::path& root);

 private:
  struct Line {
    std::int64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;
    std::uint64_t inode = 0;
    std::string sha256;

    [[nodiscard]] bool same_file(const Line& other) const;
  };
  static Line line_of(const struct stat& info, std::string sha256);
  void load();

  fs::path file_;
  std::int64_t begun_ns_;
  bool changed_ = false;  ///< there is something to save
  std::unordered_map<std::string, Line> before_;
  std::unordered_map<std::string, Line> now_;
};

}  // namespace workflow::client
