#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/file_exchange.h"
#include "common/sha256.h"
#include "remote/sync/tree_writer.h"

namespace workflow::client {

/// A file or a tree on its way to a path of this machine (download.h says which path that is).
class ArrivingTree final : public FileTaker {
 public:
  ArrivingTree(std::string remote, fs::path local, OnEvent on_event);

  void begin() override;
  void listed(const Json& event) override;
  [[nodiscard]] Wanted wanted(const Json& planned) override;
  void take(std::size_t tree, std::size_t n, std::int64_t at, std::string_view bytes) override;
  void leave_out(std::size_t tree, std::size_t n, std::int64_t at, std::int64_t bytes) override;
  void end_file(std::size_t tree, std::size_t n, const Json& event) override;

  /// All has come: links, and the modes and times of directories, come last. What became of it.
  Json finish();

 private:
  /// Bytes of an entry that are here: in a part, or in the file itself.
  struct Here {
    bool part = false;
    std::int64_t bytes = 0;
    Sha256 hash{};
  };

  void begin_writing(bool directory);
  void require_coming(std::size_t tree, std::size_t n) const;
  /// What has to come of a file; nothing where size and time say that it is here.
  [[nodiscard]] std::optional<Want> lacks(std::size_t n);
  void open(std::size_t n, std::int64_t at);
  /// Gives a file that was sent whole its name; otherwise says why not.
  [[nodiscard]] std::string received(std::size_t n, const sync::Entry& is,
                                     const std::string& sha256);
  /// What somebody has changed here since is not lost to an older file: it stays as NAME.before.
  /// Why it could not be; empty when nothing is lost.
  [[nodiscard]] std::string keep_newer(std::size_t n, const sync::Entry& is);
  /// Its content is here already.
  [[nodiscard]] std::string as_it_is(std::size_t n, const sync::Entry& is);
  void tell();

  std::string remote_;
  fs::path local_;
  OnEvent on_event_;
  std::unique_ptr<sync::TreeWriter> writer_;
  fs::path root_;  ///< where it writes
  std::vector<sync::Entry> entries_;
  std::map<std::size_t, Here> here_;
  std::set<std::size_t> coming_;
  std::size_t open_ = 0;  ///< the entry that is being written
  Json left_out_ = Json::array();
  std::int64_t files_ = 0;  ///< of all that is there
  std::int64_t bytes_ = 0;
  std::int64_t came_files_ = 0;
  std::int64_t came_bytes_ = 0;
  std::int64_t all_files_ = 0;
  std::int64_t all_bytes_ = 0;
  std::int64_t told_ms_ = 0;
};

}  // namespace workflow::client
