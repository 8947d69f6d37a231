#include "tasks/steps/snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "common/error.h"
#include "common/flush_disk.h"
#include "common/sha256.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

constexpr const char* unfinished = ".new-";

/// The directories of a tree's files, opened one after the other: the paths come in order.
class OpenDirectories {
 public:
  OpenDirectories(fs::path root, bool made) : root_(std::move(root)), made_(made) {}

  /// The open directory of a path; where they are `made`, made if it is missing.
  int of(const std::string& path) {
    const auto slash = path.rfind('/');
    const std::string dir = slash == std::string::npos ? "" : path.substr(0, slash);
    if (fd_.valid() && dir == dir_) return fd_.get();
    const fs::path at = dir.empty() ? root_ : root_ / dir;
    fd_ = UniqueFd(::open(at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd_.valid() && made_ && errno == ENOENT) {
      fs::create_directories(at);
      fd_ = UniqueFd(::open(at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    dir_ = dir;
    return fd_.get();
  }
  [[nodiscard]] const fs::path& root() const { return root_; }

 private:
  fs::path root_;
  bool made_;
  UniqueFd fd_;
  std::string dir_;
};

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::int64_t mtime_ns(const struct stat& info) {
#ifdef __APPLE__
  const timespec& at = info.st_mtimespec;
#else
  const timespec& at = info.st_mtim;
#endif
  return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

/// A file of a snapshot is as it was: nobody has written to it since its list was.
bool is_untouched(OpenDirectories& base, const TreeFile& file, std::int64_t list_ns) {
  struct stat info {};
  return ::fstatat(base.of(file.path), name_of(file.path).c_str(), &info, AT_SYMLINK_NOFOLLOW) ==
             0 &&
         S_ISREG(info.st_mode) && info.st_size == file.size && mtime_ns(info) <= list_ns;
}

/// The same file under a second name; a copy where the file system gives none, or where only one of
/// the two is a program.
void take_over(OpenDirectories& from, const TreeFile& there, OpenDirectories& to,
               const TreeFile& wanted) {
  const int from_dir = from.of(there.path);
  const int to_dir = to.of(wanted.path);
  const bool same_mode = there.program == wanted.program;
  if (same_mode && ::linkat(from_dir, name_of(there.path).c_str(), to_dir,
                            name_of(wanted.path).c_str(), 0) == 0) {
    return;
  }
  const fs::path at = to.root() / wanted.path;
  fs::copy_file(from.root() / there.path, at);
  if (::chmod(at.c_str(), wanted.program ? 0555 : 0444) != 0) {
    throw_errno("cannot set the mode of '" + at.string() + "'");
  }
}

bool is_old(const fs::path& path) {
  std::error_code fault;
  const auto written = fs::last_write_time(path, fault);
  return !fault && fs::file_time_type::clock::now() - written > std::chrono::hours(24);
}

}  // namespace

SnapshotStore::SnapshotStore(const Site& site)
    : files_(site.files()), root_(site.below("_snapshots")) {}

bool SnapshotStore::has(const std::string& tree) const {
  return valid_id(tree) && presence(root_ / tree / "list.jsonl") == Presence::there;
}

std::optional<std::string> SnapshotStore::whole_list(const std::string& tree) const {
  auto text = has(tree) ? files_.read(root_ / tree / "list.jsonl") : std::nullopt;
  return text && sha256_hex(*text) == tree ? text : std::nullopt;
}

TreeList SnapshotStore::list(const std::string& tree) const {
  if (const auto text = whole_list(tree)) return tree_from(*text);
  if (has(tree)) {
    throw Error(Code::precondition, "the snapshot '" + tree + "' is damaged",
                "remove '" + (root_ / tree).string() + "' on the target and push again");
  }
  throw Error(Code::not_found, "there is no snapshot '" + tree + "' on the target",
              "workflow checkout sends it again");
}

std::vector<std::string> SnapshotStore::trees() const {
  std::vector<std::string> names = files_.list(root_);
  std::erase_if(names, [this](const std::string& name) { return !has(name); });
  return names;
}

std::string SnapshotStore::newest() const {
  std::string found;
  fs::file_time_type youngest{};
  for (const auto& name : trees()) {
    std::error_code fault;
    const auto written = fs::last_write_time(root_ / name / "list.jsonl", fault);
    if (fault || (!found.empty() && written < youngest)) continue;
    found = name;
    youngest = written;
  }
  return found;
}

SnapshotPlan SnapshotStore::plan(const TreeList& wanted) const {
  SnapshotPlan plan{.base = newest()};
  struct stat info {};
  if (const auto text = whole_list(plan.base)) plan.base_list = tree_from(*text);
  (void)::stat((root_ / plan.base / "list.jsonl").c_str(), &info);
  std::map<std::string_view, const TreeFile*> by_content;
  OpenDirectories base(files(plan.base), false);
  for (const auto& file : plan.base_list) {
    if (file.link || !is_untouched(base, file, mtime_ns(info))) continue;
    by_content.emplace(file.sha256, &file);
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].link) continue;
    const auto known = by_content.find(wanted[i].sha256);
    if (known == by_content.end()) {
      plan.missing.push_back(i);
    } else {
      plan.there.emplace(i, known->second);
    }
  }
  return plan;
}

fs::path SnapshotStore::begin(const TreeList& wanted, const SnapshotPlan& plan) const {
  for (const auto& name : files_.list(root_)) {
    if (name.starts_with(unfinished) && is_old(root_ / name)) fs::remove_all(root_ / name);
  }
  const fs::path fresh = root_ / (unfinished + random_hex(8));
  files_.make_dirs(fresh / "files");
  OpenDirectories from(files(plan.base), false);
  OpenDirectories to(fresh / "files", true);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto there = plan.there.find(i);
    if (there != plan.there.end()) {
      take_over(from, *there->second, to, wanted[i]);
    } else {
      (void)to.of(wanted[i].path);  // what arrives finds its directory
    }
  }
  return fresh;
}

void SnapshotStore::finish(const fs::path& fresh, const TreeList& wanted,
                           const std::string& list_text) const {
  for (const auto& file : wanted) {  // last: nothing is ever written through one
    if (file.link) fs::create_symlink(file.target, fresh / "files" / file.path);
  }
  // One flush for all: it returns when every file that was written before it, and every name, is
  // on the disk, and only then the list comes to be, and the snapshot gets its name.
  flush_disk(fresh);
  files_.write(fresh / "list.jsonl", list_text);
  const std::string tree = sha256_hex(list_text);
  if (has(tree)) {  // another push was quicker
    fs::remove_all(fresh);
    return;
  }
  files_.rename(fresh, root_ / tree);
}

}  // namespace workflow::tasks
