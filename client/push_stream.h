#pragma once

#include <optional>
#include <string>

#include "client/local_tree.h"
#include "common/unique_fd.h"

namespace workflow::client {

/// Some files of a tree as a stream for a TreeSink (remote/sync/entry.h), which has made their
/// directories; the memory of one piece.
class PushStream {
 public:
  /// `which`: indices into the tree's files, in order.
  PushStream(const LocalTree& tree, std::vector<std::size_t> which);

  /// The bytes of the files there are to send.
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  /// The next bytes; nothing at the end. Error(precondition) for a file that is not as it was
  /// listed.
  [[nodiscard]] std::optional<std::string> next();

 private:
  void begin_file(const TreeFile& file);
  void add_bytes();

  const LocalTree& tree_;
  std::vector<std::size_t> which_;
  std::int64_t bytes_ = 0;
  std::size_t at_ = 0;
  bool begun_ = false;
  bool ended_ = false;
  std::string piece_;
  UniqueFd file_;
  std::int64_t left_ = 0;
  std::string name_;
};

}  // namespace workflow::client
