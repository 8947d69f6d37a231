#include "client/download.h"

#include <map>
#include <memory>
#include <set>

#include "client/file_exchange.h"
#include "client/local_file.h"
#include "common/clock.h"
#include "common/error.h"
#include "remote/sync/below.h"
#include "remote/sync/tree_source.h"
#include "remote/sync/tree_writer.h"

namespace workflow::client {
namespace {

using sync::Entry;
using sync::Kind;

constexpr std::int64_t tell_every_ms = 100;

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

class Download final : public FileTaker {
 public:
  Download(std::string remote, fs::path local, const OnEvent& on_event)
      : remote_(std::move(remote)), local_(std::move(local)), on_event_(on_event) {}

  void begin() override {
    writer_.reset();
    entries_.clear();
    here_.clear();
    files_ = bytes_ = 0;
  }

  void listed(const Json& event) override {
    if (writer_) throw damaged();
    left_out_ = member(event, "left_out");
    const bool directory = flag_at(event, "directory");
    for (const auto& json : member(event, "entries")) {
      entries_.push_back(sync::entry_from_json(json));
      require_harmless(entries_.back());
    }
    if (!directory && (entries_.size() != 1 || entries_[0].kind != Kind::file)) throw damaged();
    begin_writing(directory);
  }

  Wanted wanted(const Json& /*planned*/) override {
    if (!writer_) throw damaged();
    Wanted wanted{{{}}, 0};
    for (std::size_t n = 0; n < entries_.size(); ++n) {
      const Entry& entry = entries_[n];
      if (entry.kind == Kind::directory) writer_->make_directory(entry);
      if (entry.kind != Kind::file) continue;
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

  void take(std::size_t tree, std::size_t n, std::int64_t at, std::string_view bytes) override {
    require_coming(tree, n);
    if (at == 0 || !writer_->writing() || open_ != n) open(n, at);
    if (at != writer_->written()) throw damaged();
    writer_->write(bytes);
    came_bytes_ += static_cast<std::int64_t>(bytes.size());
    tell();
  }

  void leave_out(std::size_t tree, std::size_t n, std::int64_t at, std::int64_t bytes) override {
    take(tree, n, at, {});
    writer_->leave_out(bytes);
  }

  void end_file(std::size_t tree, std::size_t n, const Json& event) override {
    require_coming(tree, n);
    coming_.erase(n);
    std::string fault = text_at(event, "fault");
    if (fault.empty()) {
      fault = received(n, sync::entry_from_json(member(event, "is")), text_at(event, "sha256"));
    }
    if (!fault.empty()) {
      left_out_.push_back("'" + sync::shown(entries_[n].path) + "': " + fault);
    }
    tell();
  }

  Json finish() {
    if (!coming_.empty() || !writer_) throw damaged();
    for (const Entry& entry : entries_) {
      if (entry.kind == Kind::link) writer_->make_link(entry);
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

 private:
  /// Bytes of an entry that are here: in a part, or in the file itself.
  struct Here {
    bool part = false;
    std::int64_t bytes = 0;
    Sha256 hash{};
  };

  void begin_writing(bool directory) {
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
    writer_ = std::make_unique<sync::TreeWriter>(
        to, sync::TreeWriter::Options{.root_is_there = true, .hashed = true});
  }

  void require_coming(std::size_t tree, std::size_t n) const {
    if (tree == 0 && coming_.contains(n)) return;
    throw Error(Code::unreachable, "the agent sent a file that nobody asked for");
  }

  /// What has to come of a file; nothing where size and time say that it is here.
  std::optional<Want> lacks(std::size_t n) {
    const Entry& entry = entries_[n];
    const auto here = writer_->look(entry.path);
    const bool file = here && S_ISREG(here->st_mode);
    if (file && here->st_size == entry.size && sync::mtime_ns(*here) == entry.mtime_ns) {
      return std::nullopt;
    }
    for (const bool part : {true, false}) {
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

  void open(std::size_t n, std::int64_t at) {
    const std::string& path = entries_[n].path;
    const std::string part = name_of(part_path(path));
    open_ = n;
    if (at == 0) return writer_->begin_file(path, sync::Part{part});
    const auto here = here_.find(n);
    if (here == here_.end() || here->second.bytes != at) throw damaged();
    if (here->second.part) {
      return writer_->begin_file(path, sync::Part{part, at, here->second.hash});
    }
    const UniqueFd fd = writer_->open(path);
    writer_->begin_file(path, sync::Part{part});
    const auto copy = [&](std::string_view bytes) { writer_->write(bytes); };
    Sha256 hash;
    if (!pass(fd.get(), at, hash, copy)) throw damaged();
  }

  /// Gives a file that was sent whole its name; otherwise says why not.
  std::string received(std::size_t n, const Entry& is, const std::string& sha256) {
    const bool came = writer_->writing() && open_ == n;
    const auto here = here_.find(n);
    if (!came && is.size > 0) {
      const bool same = here != here_.end() && here->second.bytes == is.size &&
                        Sha256(here->second.hash).hex() == sha256;
      if (!same) return "it arrived damaged";
      if (!here->second.part) return as_it_is(n, is);
    }
    if (!came) open(n, is.size);
    if (writer_->written() != is.size || !writer_->end_file(is, sha256)) {
      writer_->drop_file();
      return "it arrived damaged";
    }
    came_files_ += 1;
    return {};
  }

  /// Its content is here already.
  std::string as_it_is(std::size_t n, const Entry& is) {
    const UniqueFd fd = writer_->open(entries_[n].path);
    if (finish_file(fd.get(), is)) return {};
    throw_errno("cannot set the mode of '" + sync::shown(entries_[n].path) + "'");
  }

  void tell() {
    const std::int64_t now = system_clock().steady_ms();
    if (told_ms_ != 0 && now - told_ms_ < tell_every_ms) return;
    told_ms_ = now;
    on_event_({{"event", "progress"},
               {"files", came_files_},
               {"all_files", all_files_},
               {"bytes", came_bytes_},
               {"all_bytes", all_bytes_}});
  }

  std::string remote_;
  fs::path local_;
  const OnEvent& on_event_;
  std::unique_ptr<sync::TreeWriter> writer_;
  std::vector<Entry> entries_;
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

}  // namespace

Json download(Session& session, const std::string& remote, const fs::path& local,
              const OnEvent& on_event) {
  Download download(remote, local, on_event);
  exchange_files(session, "download", Json::object(), {{"remote", remote}}, download);
  return download.finish();
}

}  // namespace workflow::client
