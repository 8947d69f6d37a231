#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/files.h"
#include "common/sha256.h"
#include "common/unique_fd.h"
#include "remote/sync/entry.h"

namespace workflow::sync {

/// A temporary file that stays when its copy stops half-way, to be gone on with.
struct Part {
  std::string name{};      ///< in the directory of its file
  std::int64_t bytes = 0;  ///< of it that are good
  Sha256 hash{};           ///< of these
};

/// Writes directories, links and files below a root. Each file comes to be under a temporary name
/// beside its own and is renamed when it is whole; what stands there already as a file or link is
/// replaced, as a directory never. Nothing is written outside the root: paths were looked at by
/// `stays_below`, and no symbolic link is followed below it.
class TreeWriter {
 public:
  struct Options {
    /// The root is a directory that the user named, perhaps by a link.
    bool root_is_there = false;
    /// The SHA-256 of what is written is wanted.
    bool hashed = false;
    /// Nobody sees the tree before all of it is there: a file has its name and mode from the start.
    bool unseen = false;
  };
  TreeWriter(fs::path root, Options options);
  ~TreeWriter();
  TreeWriter(const TreeWriter&) = delete;
  TreeWriter& operator=(const TreeWriter&) = delete;

  /// What is at a path; nothing where nothing is, or its directory is none.
  [[nodiscard]] std::optional<struct stat> look(const std::string& path);
  /// Opens a file to be read; invalid, with errno, where there is none.
  [[nodiscard]] UniqueFd open(const std::string& path);

  /// Its own mode and time come at `end_directories`, when everything is in it.
  void make_directory(const Entry& entry);
  void end_directories();
  void make_link(const Entry& entry);

  /// Begins a file; one that has a part goes on behind it. Error(busy) while somebody else writes
  /// that part.
  void begin_file(const Entry& entry, std::optional<Part> part = {});
  void write(std::string_view bytes);
  /// Leaves out so many bytes, which read as zeros.
  void leave_out(std::int64_t bytes);
  /// Of the file that is being written.
  [[nodiscard]] bool writing() const { return file_.valid(); }
  [[nodiscard]] std::int64_t written() const { return written_; }
  /// Gives it mode and time of the entry and its name; its SHA-256 where that is wanted. Where
  /// `expected` is another one the file is thrown away and nothing comes back.
  std::optional<std::string> end_file(const Entry& entry, const std::string& expected = {});
  /// Throws away the file that is being written.
  void drop_file();

 private:
  /// A directory that is open, and a name in it.
  struct Place {
    int dir = -1;
    std::string name;
    std::string shown;
  };
  [[nodiscard]] Place place(const std::string& path);
  void open_above_root();
  void go_on(Part part);
  [[nodiscard]] UniqueFd open_directory(const std::string& path) const;
  static void require_no_device(const Place& at);
  void rename_temporary(const Place& at);
  void begin_flush();

  fs::path root_;
  Options options_;
  UniqueFd parent_;  ///< of the last place
  std::string parent_path_;
  bool parent_known_ = false;

  UniqueFd file_;
  Place file_place_;
  std::int64_t written_ = 0;
  std::int64_t flushed_ = 0;  ///< up to here it is on its way to the disk
  Sha256 hash_;
  std::string temporary_;  ///< a name in parent_; empty: none
  bool keep_ = false;      ///< the temporary file is a Part
  std::vector<Entry> directories_;
};

}  // namespace workflow::sync
