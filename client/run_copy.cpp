#include "client/run_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "client/local_file.h"
#include "client/swap.h"
#include "common/error.h"
#include "common/fd_io.h"
#include "common/text.h"
#include "remote/sync/below.h"
#include "remote/sync/listing.h"

namespace workflow::client {
namespace {

using sync::Entry;
using sync::Kind;

[[noreturn]] void cannot_write(const fs::path& path) {
  throw_errno("cannot write '" + sync::shown(path.string()) + "'");
}

}  // namespace

RunCopy::RunCopy(fs::path artifacts, Json about, std::vector<Entry> entries, bool verify)
    : artifacts_(std::move(artifacts)),
      about_(std::move(about)),
      entries_(std::move(entries)),
      verify_(verify) {
  const std::string id = text_at(about_, "run_id");
  now_ = artifacts_ / id;
  next_ = artifacts_ / ("." + id + ".fetch");
  mend_exchange(now_);
  const fs::file_status stands = fs::symlink_status(now_);
  if (fs::exists(stands) && !fs::is_directory(stands)) {
    throw Error(Code::exists, "'" + now_.string() + "' is no directory; it was left as it is",
                "move it away and fetch again");
  }
  if (fs::is_directory(stands)) {
    old_ = read_fetch_record(now_);
    foreign_ = (!old_ || !same_attempt(old_->about, about_)) && !fs::is_empty(now_);
  }
  for (std::size_t n = 0; n < entries_.size(); ++n) {
    const Entry& entry = entries_[n];
    const bool link_out =
        entry.kind == Kind::link && !sync::link_stays_below(entry.path, entry.target);
    if (link_out || !sync::stays_below(entry.path)) {
      throw Error(Code::refused, "the other side sent the path '" + sync::shown(entry.path) +
                                     "', which leads out of the run; nothing was written");
    }
    by_path_[entry.path] = n;
  }
  drop_strangers();
  for (std::size_t n = 0; n < entries_.size(); ++n) {
    if (entries_[n].kind != Kind::file) continue;
    result_.files += 1;
    result_.bytes += entries_[n].size;
    decide(n);
  }
}

/// Of a fetch that was cut only files stay that may be a part of this one. One that is also a name
/// of something else must not be written to.
void RunCopy::drop_strangers() const {
  if (!fs::exists(fs::symlink_status(next_))) return;
  std::vector<fs::path> strangers;
  if (!fs::is_directory(fs::symlink_status(next_)))
    strangers.push_back(next_);
  else
    for (const auto& entry : fs::recursive_directory_iterator(next_)) {
      const auto known = by_path_.find(entry.path().lexically_relative(next_).string());
      const bool is_directory = entry.symlink_status().type() == fs::file_type::directory;
      const Kind kind = known == by_path_.end() ? Kind::directory : entries_[known->second].kind;
      if (is_directory && kind == Kind::directory) continue;
      const auto file = look(entry.path());
      if (!file || kind != Kind::file || file->st_nlink != 1) strangers.push_back(entry.path());
    }
  for (const auto& stranger : strangers) fs::remove_all(stranger);
}

/// The file in the old tree is what a fetch put there.
bool RunCopy::as_fetched(const std::string& path) const {
  if (!old_ || !old_->files.contains(path)) return false;
  const FetchedFile& file = old_->files.at(path);
  const auto here = look(now_ / path);
  if (!here || here->st_size != file.entry.size) return false;
  if (sync::mtime_ns(*here) != file.entry.mtime_ns) return false;
  const auto hash = hashes_.find(path);
  return hash == hashes_.end() || hash->second == file.sha256;
}

/// The old tree proves by size and time that it has this very file.
bool RunCopy::has_old(const Entry& entry) {
  if (verify_ || foreign_ || !as_fetched(entry.path)) return false;
  const FetchedFile& file = old_->files.at(entry.path);
  if (file.entry.size != entry.size || file.entry.mtime_ns != entry.mtime_ns) return false;
  done_[entry.path] = {entry, file.sha256};
  return true;
}

void RunCopy::decide(std::size_t n) {
  const Entry& entry = entries_[n];
  const fs::path coming = next_ / entry.path;
  if (const auto part = look(coming)) {
    Sha256 hash;
    if (part->st_size > 0 && part->st_size <= entry.size && pass(coming, part->st_size, hash)) {
      begun_[n] = hash;
      return want(n, part->st_size, hash.hex(), entry.size - part->st_size);
    }
    fs::remove(coming);
  }
  if (has_old(entry)) return;
  const fs::path old = now_ / entry.path;
  const auto here = look(old);
  if (here && here->st_size > 0) {
    hashes_[entry.path] = hash_of(old, here->st_size);
    if (here->st_size <= entry.size) {
      return want(n, here->st_size, hashes_[entry.path],
                  here->st_size == entry.size ? 0 : entry.size);
    }
  }
  want(n, 0, {}, entry.size);
}

void RunCopy::want(std::size_t n, std::int64_t have, std::string sha256, std::int64_t room) {
  wants_.push_back({n, have, std::move(sha256)});
  coming_.insert(n);
  room_needed_ += room;
}

void RunCopy::require_coming(std::size_t n) const {
  if (coming_.contains(n)) return;
  throw Error(Code::unreachable, "the agent sent a file that nobody asked for");
}

const Entry& RunCopy::listed(std::size_t n) const {
  require_coming(n);
  return entries_[n];
}

void RunCopy::begin(std::size_t n, std::int64_t at) {
  const fs::path path = next_ / entries_[n].path;
  fs::create_directories(path.parent_path());
  const auto begun = begun_.find(n);
  const bool goes_on = at > 0 && begun != begun_.end();
  if (!goes_on && ::unlink(path.c_str()) != 0 && errno != ENOENT) cannot_write(path);
  file_ = UniqueFd(::open(
      path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_APPEND | (goes_on ? 0 : O_CREAT | O_EXCL),
      0600));
  if (!file_.valid()) cannot_write(path);
  hash_ = goes_on ? begun->second : Sha256();
  begun_.erase(n);
  if (at > 0 && !goes_on && !pass(now_ / entries_[n].path, at, hash_, file_.get())) {
    cannot_write(path);
  }
  open_entry_ = n;
  at_ = at;
}

void RunCopy::take(std::size_t entry, std::int64_t at, std::string_view bytes) {
  require_coming(entry);
  if (at == 0 || !file_.valid() || open_entry_ != entry) begin(entry, at);
  if (at != at_) throw Error(Code::unreachable, "a fetched file's bytes arrived in disorder");
  hash_.update(bytes);
  if (!write_all(file_.get(), bytes)) cannot_write(next_ / entries_[entry].path);
  at_ += static_cast<std::int64_t>(bytes.size());
  result_.sent_bytes += static_cast<std::int64_t>(bytes.size());
}

void RunCopy::leave_out(std::size_t entry, std::int64_t at, std::int64_t bytes) {
  take(entry, at, {});
  hash_.update_zeros(bytes);
  if (bytes < 0 || ::ftruncate(file_.get(), at + bytes) != 0) {
    cannot_write(next_ / entries_[entry].path);
  }
  at_ += bytes;
  const std::string& path = entries_[entry].path;
  holed_.insert(path);
  if (!path.ends_with("stdout.log")) return;
  result_.notes.push_back(path + " leaves out " + human_bytes(static_cast<double>(bytes)) +
                          " of its middle (LOG_MAX_SIZE); they are zeros here");
}

void RunCopy::end_file(std::size_t n, const Entry& is, const std::string& sha256) {
  require_coming(n);
  const std::string& path = entries_[n].path;
  if (const std::string why = received(n, is, sha256); !why.empty()) {
    return miss_file(n, why, false);
  }
  coming_.erase(n);
  Entry entry = is;
  entry.path = path;
  done_[path] = {std::move(entry), sha256};
}

void RunCopy::miss_file(std::size_t n, const std::string& why, bool vanished) {
  require_coming(n);
  coming_.erase(n);
  const std::string& path = entries_[n].path;
  file_.reset();
  ::unlink((next_ / path).c_str());
  if (vanished && text_at(about_, "state") == "running") return;
  result_.missing.push_back("'" + sync::shown(path) + "': " + why);
}

/// Sees to it that the new tree has an entry that was sent whole; otherwise says why not.
std::string RunCopy::received(std::size_t n, const Entry& is, const std::string& sha256) {
  const fs::path coming = next_ / entries_[n].path;
  const bool came = file_.valid() && open_entry_ == n;
  const auto begun = begun_.find(n);
  if (is.size == 0) {
    begin(n, 0);
  } else if (!came && begun != begun_.end()) {
    begin(n, is.size);
  } else if (!came) {  // the old tree has it all
    const auto old = look(now_ / entries_[n].path);
    if (!old || old->st_size != is.size || hashes_[entries_[n].path] != sha256) return "it is torn";
    if (sync::mtime_ns(*old) == is.mtime_ns) {
      link_or_copy(now_ / entries_[n].path, coming);
      return {};
    }
    begin(n, is.size);
  }
  if (at_ != is.size || hash_.hex() != sha256) return "it arrived damaged";
  if (came) result_.sent_files += 1;
  if (!finish_file(file_.get(), is) || ::close(file_.release()) != 0) cannot_write(coming);
  return {};
}

}  // namespace workflow::client
