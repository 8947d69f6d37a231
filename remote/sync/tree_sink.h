#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/files.h"
#include "remote/protocol/stream.h"
#include "remote/sync/entry.h"
#include "remote/sync/tree_writer.h"

namespace workflow::sync {

/// Where a copy goes. A destination that is a directory takes the sources by their names; with
/// `directory` it has to be one and is made when it is missing.
struct Destination {
  fs::path path;
  bool directory = false;
  /// The names of the sources that were asked for, in their order; an empty one is any name.
  std::optional<std::vector<std::string>> asked{};
  /// Told each file that has arrived whole, with the SHA-256 of what was written.
  std::function<void(const Entry&, const std::string& sha256)> on_file{};
  /// Nobody sees it before all of it is there, and it is empty (TreeWriter::Options).
  bool unseen = false;
};

/// Writes what a TreeSource sent, by a TreeWriter: nothing outside the destination, whatever the
/// stream says. A copy that stops half-way leaves what had arrived whole and no temporary file.
class TreeSink {
 public:
  explicit TreeSink(Destination destination);
  TreeSink(const TreeSink&) = delete;
  TreeSink& operator=(const TreeSink&) = delete;

  void feed(std::string_view bytes);
  /// Error(unreachable) unless the stream had come to its end.
  void finish();
  /// What has arrived whole; bytes also of the file that is arriving.
  [[nodiscard]] const Sum& sum() const { return sum_; }

 private:
  void take(const Entry& entry);
  void begin_source(const Entry& entry);
  void begin_file(const Entry& entry);
  void write_bytes(std::string_view bytes);
  void end_file();

  Destination destination_;
  bool into_ = false;  ///< the destination was a directory before
  protocol::Incoming in_;
  Sum sum_;
  std::optional<TreeWriter> writer_;  ///< of the present source
  std::size_t sources_ = 0;           ///< how many have begun
  bool ended_ = false;
  Entry entry_;            ///< of the file that is arriving
  std::int64_t left_ = 0;  ///< of its bytes
};

}  // namespace workflow::sync
