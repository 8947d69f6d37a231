// The second half of a RunCopy: what has arrived takes the old tree's place.
#include <algorithm>

#include "client/local_file.h"
#include "client/run_copy.h"
#include "client/swap.h"
#include "common/clock.h"
#include "common/error.h"

namespace workflow::client {

using sync::Entry;
using sync::Kind;

constexpr const char* changed_here = "was changed here";

/// The next attempt may have begun after this one was listed: its record then is another one.
bool RunCopy::is_still_that_attempt() const {
  const fs::path fresh = next_ / "status.json";
  const auto bytes = real_files().read(fs::exists(fresh) ? fresh : now_ / "status.json");
  return !bytes ||
         text_at(parse_json(*bytes, "status.json"), "created_at") == text_at(about_, "created_at");
}

bool RunCopy::nothing_new(const Json& more) const {
  if (foreign_ || !old_ || !result_.missing.empty()) return false;
  if (!member(old_->about, "missing").empty()) return false;
  if (member(old_->about, "left_out") != member(more, "left_out")) return false;
  return std::ranges::all_of(entries_, [&](const Entry& entry) {
    std::error_code fault;
    if (entry.kind == Kind::directory) return fs::is_directory(now_ / entry.path, fault);
    if (entry.kind == Kind::link) return fs::read_symlink(now_ / entry.path, fault) == entry.target;
    if (!done_.contains(entry.path) || !as_fetched(entry.path)) return false;
    const FetchedFile& before = old_->files.at(entry.path);
    const FetchedFile& after = done_.at(entry.path);
    return !before.only_here && before.sha256 == after.sha256 &&
           before.entry.mtime_ns == after.entry.mtime_ns;
  });
}

RunFetched RunCopy::put_in_place(const Json& more) {
  if (nothing_new(more)) {
    fs::remove_all(next_);
    return std::move(result_);
  }
  if (!is_still_that_attempt()) {
    result_.missing.emplace_back("another attempt began meanwhile");
    return std::move(result_);
  }
  build();
  if (!foreign_ && fs::exists(now_)) carry_over();
  FetchRecord record{about_, done_};
  record.about.update(more);
  record.about["missing"] = result_.missing;
  real_files().write(next_ / fetch_record_name, pretty_json(fetch_record_json(record)),
                     {.durable = false});
  swap();
  result_.changed = true;
  return std::move(result_);
}

void RunCopy::build() {
  fs::create_directories(next_);
  for (const Entry& entry : entries_) {
    const fs::path path = next_ / entry.path;
    if (entry.kind == Kind::directory) fs::create_directories(path);
    const bool is_here = done_.contains(entry.path) && !fs::exists(fs::symlink_status(path));
    if (entry.kind == Kind::file && is_here) link_or_copy(now_ / entry.path, path);
  }
  // Links come last: nothing is ever written through one.
  for (const Entry& entry : entries_) {
    if (entry.kind != Kind::link) continue;
    require_no_symlink(next_, (next_ / entry.path).parent_path());
    fs::create_directories((next_ / entry.path).parent_path());
    fs::create_symlink(entry.target, next_ / entry.path);
  }
}

void RunCopy::carry_over() {
  fs::recursive_directory_iterator it(now_);
  for (; it != fs::recursive_directory_iterator(); ++it) {
    const std::string path = it->path().lexically_relative(now_).string();
    if (path == fetch_record_name) continue;
    if (it->symlink_status().type() != fs::file_type::directory) {
      carry(it->path(), path);
    } else if (const auto there = fs::symlink_status(next_ / path); !fs::exists(there)) {
      fs::create_directories(next_ / path);
    } else if (!fs::is_directory(there)) {
      put_file_aside(path, changed_here);
      it.disable_recursion_pending();
    }
  }
}

/// What the target does not have stays; what it has in another form than somebody made of it here
/// is kept aside.
void RunCopy::carry(const fs::path& old, const std::string& path) {
  const auto hash = hashes_.find(path);
  const auto done = done_.find(path);
  if (done != done_.end()) {
    const bool same = hash != hashes_.end() && hash->second == done->second.sha256;
    if (!same && !as_fetched(path)) {
      put_file_aside(path, changed_here);
    } else if (!same && holed_.contains(path)) {
      put_file_aside(path, "has bytes here that the target has given up");
    }
    return;
  }
  const auto planned = by_path_.find(path);
  const bool link = planned != by_path_.end() && entries_[planned->second].kind == Kind::link;
  if (link && fs::is_symlink(fs::symlink_status(old))) return;
  if (fs::exists(fs::symlink_status(next_ / path))) return put_file_aside(path, changed_here);
  link_or_copy(old, next_ / path);
  if (!as_fetched(path)) return;
  done_[path] = old_->files.at(path);
  done_[path].only_here = true;
}

void RunCopy::put_file_aside(const std::string& path, const std::string& why) {
  if (shelf_.empty()) {
    const fs::path dir = artifacts_ / "_bak" / now_.filename();
    fs::create_directories(dir);
    shelf_ = free_name(dir, utc_stamp(system_clock().now_ms()));
  }
  fs::create_directories((shelf_ / path).parent_path());
  if (fs::is_directory(fs::symlink_status(now_ / path))) {
    fs::copy(now_ / path, shelf_ / path,
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  } else {
    link_or_copy(now_ / path, shelf_ / path);
  }
  result_.notes.push_back("'" + sync::shown((now_.filename() / path).string()) + "' " + why +
                          "; that is kept in " + shelf_.string());
}

void RunCopy::swap() {
  if (!fs::exists(now_)) return real_files().rename(next_, now_);
  const fs::path was = exchange(next_, now_);
  if (!foreign_) {
    fs::remove_all(was);
    return;
  }
  const fs::path dir = artifacts_ / "_bak" / now_.filename();
  fs::create_directories(dir);
  const fs::path shelf = free_name(dir, utc_stamp(system_clock().now_ms()));
  real_files().rename(was, shelf);
  result_.put_aside = shelf.string();
}

}  // namespace workflow::client
