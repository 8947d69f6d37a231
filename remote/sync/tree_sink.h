#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/unique_fd.h"
#include "remote/protocol/stream.h"
#include "remote/sync/entry.h"

namespace workflow::sync {

/// Where a copy goes. A destination that is a directory takes the sources by their names; with
/// `directory` it has to be one and is made when it is missing.
struct Destination {
  fs::path path;
  bool directory = false;
  /// The names of the sources that were asked for, in their order; an empty one is any name.
  std::optional<std::vector<std::string>> asked{};
};

/// Writes what a TreeSource sent. Each file comes to be under a temporary name beside its own and
/// is renamed when it is whole; what stands there already as a file or link is replaced, as a
/// directory never. Nothing is written outside the destination, whatever the stream says: no
/// `..`, and no symbolic link is followed below it. A copy that stops half-way leaves what had
/// arrived whole and no temporary file.
class TreeSink {
 public:
  explicit TreeSink(Destination destination);
  ~TreeSink();
  TreeSink(const TreeSink&) = delete;
  TreeSink& operator=(const TreeSink&) = delete;

  void feed(std::string_view bytes);
  /// Error(unreachable) unless the stream had come to its end.
  void finish();
  /// What has arrived whole; bytes also of the file that is arriving.
  [[nodiscard]] const Sum& sum() const { return sum_; }

 private:
  /// A directory that is open, and a name in it.
  struct Place {
    int dir = -1;
    std::string name;
    std::string shown;
  };

  void take(const Entry& entry);
  void begin_source(const Entry& entry);
  [[nodiscard]] Place place(const std::string& path);
  [[nodiscard]] UniqueFd open_directory(const std::string& path) const;
  void make_directory(const Entry& entry);
  void make_link(const Entry& entry);
  void begin_file(const Entry& entry);
  void write_bytes(std::string_view bytes);
  void end_file();
  static void require_no_device(const Place& at);
  void rename_temporary(const Place& place);
  void drop_temporary();
  void end_directories();

  Destination destination_;
  bool into_ = false;  ///< the destination was a directory before
  protocol::Incoming in_;
  Sum sum_;
  fs::path root_;  ///< where the present source goes
  /// It is the directory that the user named, perhaps by a link; no other link is followed.
  bool root_was_there_ = false;
  std::size_t sources_ = 0;  ///< how many have begun
  bool ended_ = false;

  UniqueFd parent_;  ///< of the last place
  std::string parent_path_;
  bool parent_known_ = false;

  UniqueFd file_;
  Entry file_entry_;
  Place file_place_;
  std::int64_t left_ = 0;
  std::string temporary_;           ///< a name in parent_; empty: none
  std::vector<Entry> directories_;  ///< their modes and times come last
};

}  // namespace workflow::sync
