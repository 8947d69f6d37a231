#include "client/local_tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "client/git_tree.h"
#include "client/hash_files.h"
#include "client/stat_cache.h"
#include "client/tree_remarks.h"
#include "common/error.h"
#include "common/sha256.h"

namespace workflow::client {
namespace {

constexpr std::size_t short_name = 12;

void add_all(const fs::path& root, std::set<std::string>& paths) {
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator();
       ++it) {
    if (never_shipped(it->path().filename().string())) {
      if (it->is_directory()) it.disable_recursion_pending();
    } else if (it->is_symlink() || it->is_regular_file()) {
      paths.insert(it->path().string().substr(root.string().size() + 1));
    }
  }
}

/// Files that stay here, as paths below the root.
std::vector<std::string> paths_below(const fs::path& root, const std::vector<fs::path>& places) {
  std::vector<std::string> paths;
  for (const auto& place : places) {
    const fs::path within = fs::weakly_canonical(place).lexically_relative(root);
    if (!within.empty() && *within.begin() != "..") paths.push_back(within.string());
  }
  return paths;
}

bool lies_in_one(const std::string& path, const std::vector<std::string>& places) {
  return std::ranges::any_of(places, [&](const std::string& place) {
    return place == "." ||
           (path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/'));
  });
}

/// Looks at one path after the other, and knows which directories are none but links.
class Looker {
 public:
  Looker(LocalTree& tree, StatCache& cache) : tree_(tree), cache_(cache) {}

  void look(const std::string& path) {
    struct stat info {};
    const fs::path at = tree_.root / path;
    if (behind_link(path) || ::lstat(at.c_str(), &info) != 0) return;
    TreeFile file{.path = path};
    if (S_ISLNK(info.st_mode)) {
      file.link = true;
      file.target = fs::read_symlink(at).string();
    } else if (S_ISREG(info.st_mode)) {
      file.program = (info.st_mode & S_IXUSR) != 0;
      file.size = info.st_size;
      if (const auto known = cache_.hash_of(path, info)) {
        file.sha256 = *known;
        cache_.note(path, info, *known);
      } else {
        unread_.push_back(tree_.files.size());
      }
    } else {
      return;
    }
    tree_.files.push_back(std::move(file));
  }

  void read_the_others() {
    std::vector<TreeFile*> files;
    for (const auto i : unread_) files.push_back(&tree_.files[i]);
    for (const auto& [file, info] : hash_files(tree_.root, files)) {
      cache_.note(file->path, info, file->sha256);
      tree_.fresh_bytes += file->size;
    }
    std::erase_if(tree_.files,
                  [](const TreeFile& file) { return !file.link && file.sha256.empty(); });
  }

 private:
  bool behind_link(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return false;
    const std::string dir = path.substr(0, slash);
    const auto known = links_.find(dir);
    if (known != links_.end()) return known->second;
    struct stat info {};
    const bool link = behind_link(dir) || ::lstat((tree_.root / dir).c_str(), &info) != 0 ||
                      !S_ISDIR(info.st_mode);
    return links_[dir] = link;
  }

  LocalTree& tree_;
  StatCache& cache_;
  std::vector<std::size_t> unread_;
  std::map<std::string, bool> links_;  ///< of directories
};

void require_a_project(const fs::path& root) {
  const char* home = std::getenv("HOME");
  std::error_code ignored;
  if (root.has_relative_path() && !(home != nullptr && fs::equivalent(root, home, ignored))) return;
  throw Error(Code::refused, "push would ship all of '" + root.string() + "'",
              "put workflow.env into the directory of your project");
}

/// Which paths are shipped. What git does not track stays here unless it is asked for.
std::set<std::string> choose_paths(LocalTree& tree, const Shipped& shipped) {
  std::set<std::string> paths;
  auto of_git = look_with_git(tree.root);
  if (of_git) tree.root = of_git->root;
  require_a_project(tree.root);
  tree.leave_out = paths_below(tree.root, shipped.leave_out);
  if (!of_git) {
    add_all(tree.root, paths);
    return paths;
  }
  tree.head = of_git->head;
  std::erase_if(of_git->untracked,
                [&](const std::string& path) { return lies_in_one(path, tree.leave_out); });
  tree.dirty = of_git->changed || (shipped.untracked && !of_git->untracked.empty());
  tree.has_patch = of_git->changed && !tree.head.empty();
  paths = std::move(of_git->tracked);
  if (shipped.untracked) {
    paths.merge(of_git->untracked);
  } else if (!of_git->untracked.empty()) {
    tree.remarks.push_back("left out, git does not track them: " +
                           named({of_git->untracked.begin(), of_git->untracked.end()}) +
                           "; --dirty ships them too");
  }
  if (!paths.empty()) return paths;
  throw Error(Code::refused,
              "git tracks no file in '" + tree.root.string() + "'; nothing was pushed",
              "git add what belongs to it, or push --dirty");
}

}  // namespace

std::string LocalTree::git_sha() const {
  if (head.empty()) return "push:" + name.substr(0, short_name);
  return dirty ? head + "-dirty-" + name.substr(0, short_name) : head;
}

LocalTree tree_to_push(const Settings& settings, const std::function<void()>& before_reading) {
  Shipped shipped{
      .leave_out = {settings.path_here("LOCAL_ARTIFACTS_DIR"), settings.path_here("SWEEP_CSV")},
      .untracked = settings.flag("PUSH_UNTRACKED")};
  if (!settings.file().empty()) shipped.leave_out.push_back(settings.file());
  return look_at_tree(settings.base_dir(), shipped, before_reading);
}

LocalTree look_at_tree(const fs::path& dir, const Shipped& shipped,
                       const std::function<void()>& before_reading) {
  LocalTree tree;
  tree.root = fs::canonical(dir);
  const std::set<std::string> paths = choose_paths(tree, shipped);
  if (before_reading) before_reading();
  StatCache cache(tree.root);
  Looker looker(tree, cache);
  for (const auto& path : paths) {
    if (!lies_in_one(path, tree.leave_out)) looker.look(path);
  }
  looker.read_the_others();
  cache.save();
  tree.text = tree_text(tree.files);
  tree.name = sha256_hex(tree.text);
  for (auto& remark : remarks_on(tree.root, tree.files)) tree.remarks.push_back(std::move(remark));
  return tree;
}

}  // namespace workflow::client
