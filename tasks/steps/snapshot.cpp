#include "tasks/steps/snapshot.h"

#include <chrono>
#include <map>

#include "common/error.h"
#include "common/sha256.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

constexpr const char* unfinished = ".new-";

std::map<std::string, std::string> paths_by_content(const TreeList& list) {
  std::map<std::string, std::string> paths;
  for (const auto& file : list) {
    if (!file.link) paths.emplace(file.sha256, file.path);
  }
  return paths;
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

TreeList SnapshotStore::list(const std::string& tree) const {
  const auto text = has(tree) ? files_.read(root_ / tree / "list.jsonl") : std::nullopt;
  if (!text) {
    throw Error(Code::not_found, "there is no snapshot '" + tree + "' on the target",
                "workflow checkout sends it again");
  }
  if (sha256_hex(*text) != tree) {
    throw Error(Code::precondition, "the snapshot '" + tree + "' is damaged",
                "remove '" + (root_ / tree).string() + "' on the target and push again");
  }
  return tree_from(*text);
}

std::string SnapshotStore::newest() const {
  std::string found;
  fs::file_time_type youngest{};
  for (const auto& name : files_.list(root_)) {
    std::error_code fault;
    const auto written = fs::last_write_time(root_ / name / "list.jsonl", fault);
    if (fault || !has(name) || (!found.empty() && written < youngest)) continue;
    found = name;
    youngest = written;
  }
  return found;
}

std::vector<std::size_t> SnapshotStore::missing(const TreeList& wanted,
                                                const std::string& base) const {
  const auto there =
      base.empty() ? std::map<std::string, std::string>{} : paths_by_content(list(base));
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].link || !there.contains(wanted[i].sha256)) missing.push_back(i);
  }
  return missing;
}

fs::path SnapshotStore::begin() const {
  for (const auto& name : files_.list(root_)) {
    if (name.starts_with(unfinished) && is_old(root_ / name)) fs::remove_all(root_ / name);
  }
  const fs::path fresh = root_ / (unfinished + random_hex(8));
  files_.make_dirs(fresh / "files");
  return fresh;
}

void SnapshotStore::finish(const fs::path& fresh, const std::string& list_text,
                           const std::string& base) const {
  const TreeList wanted = tree_from(list_text);
  const auto there =
      base.empty() ? std::map<std::string, std::string>{} : paths_by_content(list(base));
  for (const auto& file : wanted) {
    const fs::path at = fresh / "files" / file.path;
    if (!fs::exists(fs::symlink_status(at)) && there.contains(file.sha256)) {
      files_.make_dirs(at.parent_path());
      fs::copy_file(files(base) / there.at(file.sha256), at);
    }
    const auto is = look_at_file(fresh / "files", file.path);
    if (is && is->sha256 == file.sha256 && is->target == file.target) continue;
    if (there.contains(file.sha256)) {
      // Sent by an earlier push, and changed since: it serves as a base no more.
      files_.rename(root_ / base / "list.jsonl", root_ / base / "list.jsonl.damaged");
    }
    throw Error(Code::precondition,
                "'" + file.path + "' did not arrive as it was listed; nothing was changed",
                "was it written while it was pushed? push again");
  }
  files_.write(fresh / "list.jsonl", list_text);
  const std::string tree = sha256_hex(list_text);
  if (has(tree)) {  // another push was quicker
    fs::remove_all(fresh);
    return;
  }
  files_.rename(fresh, root_ / tree);
}

}  // namespace workflow::tasks
