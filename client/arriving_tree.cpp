#include "client/arriving_tree.h"

#include <utility>

#include "client/local_file.h"
#include "common/clock.h"
#include "common/error.h"
#include "remote/sync/below.h"
#include "remote/sync/tree_source.h"

namespace workflow::client {
namespace {

using sync::Entry;

constexpr std::int64_t tell_every_ms = 100;
/// What is smaller is sent again as a whole.
constexpr std::int64_t part_from_bytes = 1 << 20;
constexpr int most_kept = 99;  ///< files of one name that were put aside

Error damaged() { return Error(Code::unreachable, "the agent's answer arrived damaged"); }

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// The same at each try, so that a copy that was cut goes on; a name of any length has one.
std::string part_path(const std::string& path) {
  const std::string name = name_of(path);
  return path.substr(0, path.size() - name.size()) + ".workflow-part-" +
         sha256_hex(name).substr(0, 16);
}

void require_harmless(const Entry& entry) {
  if (sync::stays_below(entry.path)) return;
  throw Error(Code::refused, "the other side sent the path '" + sync::shown(entry.path) +
                                 "', which leads out of the destination; it was not written");
}

}  // namespace

ArrivingTree::ArrivingTree(std::string remote, fs::path local, OnEvent on_event)
    : remote_(std::move(remote)), local_(std::move(local)), on_event_(std::move(on_event)) {}

void ArrivingTree::begin() {
  writer_.reset();
  entries_.clear();
  here_.clear();
  files_ = bytes_ = 0;
}

void ArrivingTree::listed(const Json& event) {
  if (writer_) throw damaged();
  left_out_ = member(event, "left_out");
  const bool directory = flag_at(event, "directory");
  for (const auto& json : member(event, "entries")) {
    entries_.push_back(sync::entry_from_json(json));
    require_harmless(entries_.back());
  }
  if (!directory && (entries_.size() != 1 || entries_[0].kind != sync::Kind::file)) throw damaged();
  begin_writing(directory);
}

Wanted ArrivingTree::wanted(const Json& /*planned*/) {
  if (!writer_) throw damaged();
  Wanted wanted{{{}}, 0};
  for (std::size_t n = 0; n < entries_.size(); ++n) {
    const Entry& entry = entries_[n];
    if (entry.kind == sync::Kind::directory) writer_->make_directory(entry);
    if (entry.kind != sync::Kind::file) continue;
    files_ += 1;
    bytes_ += entry.size;
    if (auto want = lacks(n)) {
      wanted.bytes += entry.size - want->have;
      wanted.trees[0].push_back(*std::move(want));
    }
  }
  coming_.clear();
  for (const Want& want : wanted.trees[0]) coming_.insert(want.entry);
  all_files_ = came_files_ + static_cast<std::int64_t>(coming_.size());
  all_bytes_ = came_bytes_ + wanted.bytes;
  return wanted;
}

void ArrivingTree::take(std::size_t tree, std::size_t n, std::int64_t at, std::string_view bytes) {
  require_coming(tree, n);
  if (at == 0 || !writer_->writing() || open_ != n) open(n, at);
  if (at != writer_->written()) throw damaged();
  writer_->write(bytes);
  came_bytes_ += static_cast<std::int64_t>(bytes.size());
  tell();
}

void ArrivingTree::leave_out(std::size_t tree, std::size_t n, std::int64_t at, std::int64_t bytes) {
  take(tree, n, at, {});
  writer_->leave_out(bytes);
}

void ArrivingTree::end_file(std::size_t tree, std::size_t n, const Json& event) {
  require_coming(tree, n);
  coming_.erase(n);
  std::string fault = text_at(event, "fault");
  if (fault.empty()) {
    const Json& is = member(event, "is");
    fault = received(n, is.is_object() ? sync::entry_from_json(is) : entries_[n],
                     text_at(event, "sha256"));
  }
  if (!fault.empty()) {
    left_out_.push_back("'" + sync::shown(entries_[n].path) + "': " + fault);
  }
  tell();
}

Json ArrivingTree::finish() {
  if (!coming_.empty() || !writer_) throw damaged();
  for (const Entry& entry : entries_) {
    if (entry.kind == sync::Kind::link) writer_->make_link(entry);
  }
  writer_->end_directories();
  told_ms_ = 0;
  tell();
  return {{"files", files_},
          {"bytes", bytes_},
          {"sent_files", came_files_},
          {"sent_bytes", came_bytes_},
          {"left_out", left_out_}};
}

void ArrivingTree::begin_writing(bool directory) {
  const std::string text = local_.string();
  const bool slash = text.ends_with('/');
  fs::path to = fs::absolute(slash && text.size() > 1 ? local_.parent_path() : local_);
  const bool into = slash || (!directory && fs::is_directory(to));
  if (into && !(directory && remote_.ends_with('/'))) to /= sync::source_name(remote_);
  if (!directory) {
    entries_[0].path = to.filename().string();
    to = to.parent_path();
  }
  real_files().make_dirs(to);
  root_ = to;
  writer_ = std::make_unique<sync::TreeWriter>(
      to, sync::TreeWriter::Options{.root_is_there = true, .hashed = true});
}

void ArrivingTree::require_coming(std::size_t tree, std::size_t n) const {
  if (tree == 0 && coming_.contains(n)) return;
  throw Error(Code::unreachable, "the agent sent a file that nobody asked for");
}

std::optional<Want> ArrivingTree::lacks(std::size_t n) {
  const Entry& entry = entries_[n];
  const auto here = writer_->look(entry.path);
  const bool file = here && S_ISREG(here->st_mode);
  if (file && here->st_size == entry.size && sync::mtime_ns(*here) == entry.mtime_ns) {
    return std::nullopt;
  }
  for (const bool part : {true, false}) {
    if (part ? entry.size < part_from_bytes : !file) continue;
    const UniqueFd fd = writer_->open(part ? part_path(entry.path) : entry.path);
    struct stat info {};
    if (!fd.valid() || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    Sha256 hash;
    if (info.st_size == 0 || info.st_size > entry.size) continue;
    if (!pass(fd.get(), info.st_size, hash)) continue;
    here_[n] = {part, info.st_size, hash};
    return Want{n, info.st_size, hash.hex()};
  }
  return Want{n};
}

void ArrivingTree::open(std::size_t n, std::int64_t at) {
  const Entry& entry = entries_[n];
  std::optional<sync::Part> part;
  if (entry.size >= part_from_bytes) part = sync::Part{name_of(part_path(entry.path))};
  open_ = n;
  if (at == 0) return writer_->begin_file(entry, std::move(part));
  const auto here = here_.find(n);
  if (here == here_.end() || here->second.bytes != at) throw damaged();
  if (here->second.part) {
    part->bytes = at;
    part->hash = here->second.hash;
    return writer_->begin_file(entry, std::move(part));
  }
  const UniqueFd fd = writer_->open(entry.path);
  writer_->begin_file(entry, std::move(part));
  Sha256 hash;
  if (!pass(fd.get(), at, hash, [&](std::string_view bytes) { writer_->write(bytes); })) {
    throw damaged();
  }
}

std::string ArrivingTree::received(std::size_t n, const Entry& is, const std::string& sha256) {
  const bool came = writer_->writing() && open_ == n;
  const auto here = here_.find(n);
  if (!came && is.size > 0) {
    const bool same = here != here_.end() && here->second.bytes == is.size &&
                      Sha256(here->second.hash).hex() == sha256;
    if (!same) return "it arrived damaged";
    if (!here->second.part) return as_it_is(n, is);
  }
  if (!came) open(n, is.size);
  const bool all = writer_->written() == is.size && !sha256.empty();
  if (std::string fault = all ? keep_newer(n, is) : std::string(); !fault.empty()) {
    writer_->drop_file();
    return fault;
  }
  if (!all || !writer_->end_file(is, sha256)) {
    writer_->drop_file();
    return "it arrived damaged";
  }
  came_files_ += 1;
  return {};
}

std::string ArrivingTree::keep_newer(std::size_t n, const Entry& is) {
  const std::string& path = entries_[n].path;
  const auto here = writer_->look(path);
  if (!here || !S_ISREG(here->st_mode) || sync::mtime_ns(*here) <= is.mtime_ns) return {};
  // A second name first: at no moment is there none, and none that is there is replaced.
  std::error_code failed;
  for (int n_th = 1; n_th <= most_kept; ++n_th) {
    const std::string kept = path + (n_th == 1 ? ".before" : ".before-" + std::to_string(n_th));
    fs::create_hard_link(root_ / path, root_ / kept, failed);
    if (failed == std::errc::file_exists) continue;
    if (failed) break;
    left_out_.push_back("'" + sync::shown(path) + "' here was newer than there: it is '" +
                        sync::shown(name_of(kept)) + "' now");
    return {};
  }
  return "it is newer here, and could not be put aside: " + failed.message();
}

std::string ArrivingTree::as_it_is(std::size_t n, const Entry& is) {
  const UniqueFd fd = writer_->open(entries_[n].path);
  if (finish_file(fd.get(), is)) return {};
  throw_errno("cannot set the mode of '" + sync::shown(entries_[n].path) + "'");
}

void ArrivingTree::tell() {
  const std::int64_t now = system_clock().steady_ms();
  if (told_ms_ != 0 && now - told_ms_ < tell_every_ms) return;
  told_ms_ = now;
  on_event_({{"event", "progress"},
             {"files", came_files_},
             {"all_files", all_files_},
             {"bytes", came_bytes_},
             {"all_bytes", all_bytes_}});
}

}  // namespace workflow::client
