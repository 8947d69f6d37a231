#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/files.h"

// What is in a tree of files, by content: the list that a pushed snapshot is known by. Directories
// are where files are; of a mode only whether a file is a program counts, as in git.
namespace workflow {

struct TreeFile {
  std::string path;  ///< below the root, any bytes
  bool link = false;
  bool program = false;
  std::int64_t size = 0;
  std::string sha256{};  ///< of a file
  std::string target{};  ///< of a link

  bool operator==(const TreeFile&) const = default;
};

/// In the order of their paths.
using TreeList = std::vector<TreeFile>;

/// What is at a path below a root; nothing where there is nothing. What is neither file nor link,
/// or lies behind a symbolic link, comes without a hash and equals nothing that is listed. Reads
/// the whole file; Error(precondition) when it cannot.
[[nodiscard]] std::optional<TreeFile> look_at_file(const fs::path& root, const std::string& path);

/// One line of JSON for each file; the same tree has the same bytes, whose SHA-256 is its name.
[[nodiscard]] std::string tree_text(const TreeList& list);
/// Error(usage) for what is no such text, and for a path that leads out of the root or into what a
/// push never touches (`.git`, `.venv`, `.workflow`).
[[nodiscard]] TreeList tree_from(std::string_view text);

/// True for names that are never shipped, whatever directory they are in.
[[nodiscard]] bool never_shipped(std::string_view name);

/// The file of a path; null when it is not listed.
[[nodiscard]] const TreeFile* find_file(const TreeList& list, std::string_view path);

}  // namespace workflow
