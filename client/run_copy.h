#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/fetch_record.h"
#include "client/want.h"
#include "common/sha256.h"
#include "common/unique_fd.h"

namespace workflow::client {

/// What became of one run's fetch.
struct RunFetched {
  std::int64_t files = 0;  ///< of the run, on the target
  std::int64_t bytes = 0;
  std::int64_t sent_files = 0;
  std::int64_t sent_bytes = 0;
  bool changed = false;                ///< there is another tree now than before
  std::string put_aside{};             ///< where what stood here of another attempt is now
  std::vector<std::string> notes{};    ///< what else people should know
  std::vector<std::string> missing{};  ///< files that could not be fetched, and why
};

/// A run's directory on this machine while it is fetched. The new tree grows beside the old one, as
/// `.<run_id>.fetch`, and takes its place at one instant; a fetch that was cut leaves the old one
/// whole and goes on with what is in the new one. What proves that bytes are here is their hash,
/// which both ends have read. Nothing that lies here is lost: what the target has no more stays,
/// and what somebody changed here is moved to `_bak/<run_id>/<UTC>`.
class RunCopy {
 public:
  /// `about` and `entries` are what the target told of the run. With `verify` every byte that is
  /// here is read, else size and time prove that a fetched file is as it was.
  RunCopy(fs::path artifacts, Json about, std::vector<sync::Entry> entries, bool verify);

  [[nodiscard]] std::string id() const { return now_.filename().string(); }
  [[nodiscard]] const std::vector<Want>& wants() const { return wants_; }
  /// The room that what has to come will take.
  [[nodiscard]] std::int64_t room_needed() const { return room_needed_; }
  [[nodiscard]] bool complete() const { return coming_.empty(); }

  /// What was told of an entry that is coming.
  [[nodiscard]] const sync::Entry& listed(std::size_t entry) const;
  /// Bytes of an entry and where they belong; those at 0 begin it anew.
  void take(std::size_t entry, std::int64_t at, std::string_view bytes);
  /// The same with bytes that the file left out over there: they read as zeros here too.
  void leave_out(std::size_t entry, std::int64_t at, std::int64_t bytes);
  /// All of an entry was sent, and is this.
  void end_file(std::size_t entry, const sync::Entry& is, const std::string& sha256);
  /// Nothing was sent of it. That a file of a living run has vanished is no fault.
  void miss_file(std::size_t entry, const std::string& why, bool vanished);
  /// Puts the new tree in the old one's place, with a record that also says `more`.
  [[nodiscard]] RunFetched put_in_place(const Json& more);

 private:
  [[nodiscard]] bool as_fetched(const std::string& path) const;
  [[nodiscard]] bool has_old(const sync::Entry& entry);
  void drop_strangers() const;
  void decide(std::size_t n);
  void want(std::size_t n, std::int64_t have, std::string sha256, std::int64_t room);
  void require_coming(std::size_t n) const;
  void begin(std::size_t n, std::int64_t at);
  [[nodiscard]] std::string received(std::size_t n, const sync::Entry& is,
                                     const std::string& sha256);
  [[nodiscard]] bool is_still_that_attempt() const;
  [[nodiscard]] bool nothing_new(const Json& more) const;
  void build();
  void carry_over();
  void carry(const fs::path& old, const std::string& path);
  void put_file_aside(const std::string& path, const std::string& why);
  void swap();

  fs::path artifacts_;
  Json about_;
  std::vector<sync::Entry> entries_;
  bool verify_;
  fs::path now_;   ///< the tree that readers see
  fs::path next_;  ///< the tree that grows
  std::optional<FetchRecord> old_;
  bool foreign_ = false;  ///< what stands here is of another attempt, or was not fetched
  std::map<std::string, std::size_t> by_path_;
  std::map<std::string, FetchedFile> done_;
  std::map<std::string, std::string> hashes_;  ///< of files in the old tree that were read
  std::map<std::size_t, Sha256> begun_;        ///< of what the new tree has of an entry
  std::vector<Want> wants_;
  std::set<std::string> holed_;   ///< files that leave out what may be whole in the old tree
  std::set<std::size_t> coming_;  ///< of the wants, those that have not ended
  std::int64_t room_needed_ = 0;
  RunFetched result_;
  fs::path shelf_;

  UniqueFd file_;  ///< of `open_entry_`, written up to `at_`
  std::size_t open_entry_ = 0;
  std::int64_t at_ = 0;
  Sha256 hash_;
};

}  // namespace workflow::client
