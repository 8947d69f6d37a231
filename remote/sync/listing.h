#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "common/files.h"
#include "remote/sync/entry.h"

namespace workflow::sync {

/// What is to become of a path below the root: `take` it, `leave_out` and count it, or pass over
/// it in silence. A directory's answer holds for everything in it, but for `take`.
enum class Choice { take, leave_out, ignore };
using Choose = std::function<Choice(const std::string& path, bool directory)>;

/// One thing that was found; the inode tells a file that grew from one that was replaced.
struct Listed {
  Entry entry;
  ino_t inode = 0;
};

struct Listing {
  std::vector<Listed> found;  ///< directories before what is in them
  std::int64_t left_out_files = 0;
  std::int64_t left_out_bytes = 0;
  /// For people: links that lead out of the root, pipes, sockets, devices, what cannot be read.
  std::vector<std::string> passed_over;
};

/// What is to become of links that may lead out of the root.
enum class LinksOut { passed_over, listed };

/// Looks at everything below a directory; no link is followed.
[[nodiscard]] Listing list_tree(const fs::path& root, const Choose& choose,
                                LinksOut links_out = LinksOut::passed_over);

/// Whether a link at this path, below a root, can only lead to something below that root.
[[nodiscard]] bool link_stays_below(const std::string& path, const std::string& target);

}  // namespace workflow::sync
