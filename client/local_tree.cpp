#include "client/local_tree.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "common/error.h"
#include "common/sha256.h"
#include "common/subprocess.h"
#include "common/text.h"

namespace workflow::client {
namespace {

constexpr std::int64_t git_limit_ms = 120'000;
constexpr std::size_t short_name = 12;
constexpr std::int64_t longest_pointer = 1024;  ///< of Git LFS

/// What git prints in a directory; Error(precondition) with its words when it fails.
std::string git(const fs::path& dir, const std::vector<std::string>& words) {
  CaptureSpec spec;
  spec.argv = {"git", "-C", dir.string()};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  spec.limit_ms = git_limit_ms;
  const Captured answer = capture(spec);
  if (answer.ok()) return answer.out;
  throw Error(Code::precondition,
              "git " + words.front() + " failed in '" + dir.string() +
                  "': " + std::string(trim(answer.timed_out ? "no answer" : answer.err)),
              "push ships what git knows of this directory");
}

/// The commit that is out; empty where there is none yet.
std::string head_of(const fs::path& root) {
  CaptureSpec spec;
  spec.argv = {"git", "-C", root.string(), "rev-parse", "--verify", "--quiet", "HEAD"};
  spec.limit_ms = git_limit_ms;
  return std::string(trim(capture(spec).out));
}

bool lies_in_one(const fs::path& path, const std::vector<fs::path>& places) {
  return std::any_of(places.begin(), places.end(), [&](const fs::path& place) {
    const fs::path within = path.lexically_relative(fs::weakly_canonical(place));
    return !within.empty() && *within.begin() != "..";
  });
}

bool in_repository(fs::path dir) {
  while (!fs::exists(dir / ".git")) {
    if (!dir.has_relative_path()) return false;
    dir = dir.parent_path();
  }
  return true;
}

bool is_shipped(const std::string& path) {
  for (const auto& part : split(path, '/')) {
    if (never_shipped(part)) return false;
  }
  return true;
}

void add_of_git(const fs::path& root, const std::string& below, std::set<std::string>& paths) {
  const std::string listing =
      git(root / below, {"ls-files", "-z", "--cached", "--others", "--exclude-standard"});
  for (auto path : split(listing, '\0')) {
    if (path.empty()) continue;
    if (path.back() == '/') path.pop_back();  // a repository in the repository
    path = below.empty() ? path : below + "/" + path;
    if (!is_shipped(path)) continue;
    const auto kind = fs::symlink_status(root / path).type();
    if (kind == fs::file_type::regular || kind == fs::file_type::symlink) paths.insert(path);
    if (kind == fs::file_type::directory && fs::exists(root / path / ".git")) {
      add_of_git(root, path, paths);
    }
  }
}

void add_all(const fs::path& root, std::set<std::string>& paths) {
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator();
       ++it) {
    if (never_shipped(it->path().filename().string())) {
      if (it->is_directory()) it.disable_recursion_pending();
    } else if (it->is_symlink() || it->is_regular_file()) {
      paths.insert(it->path().lexically_relative(root).string());
    }
  }
}

bool looks_secret(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(".pub") || name.ends_with(".example")) return false;
  return name == ".env" || name.starts_with(".env.") || name == ".netrc" ||
         name.starts_with("id_") || name.ends_with(".pem") || name.ends_with(".key") ||
         name == "credentials.json";
}

bool is_lfs_pointer(const fs::path& root, const TreeFile& file) {
  if (file.link || file.size > longest_pointer) return false;
  return read_file(root / file.path).rfind("version https://git-lfs.github.com/", 0) == 0;
}

std::string named(const std::vector<std::string>& paths) {
  std::string text = paths.front();
  for (std::size_t i = 1; i < paths.size() && i < 5; ++i) text += ", " + paths[i];
  return paths.size() > 5 ? text + " and " + std::to_string(paths.size() - 5) + " more" : text;
}

void remark(LocalTree& tree) {
  std::vector<std::string> secret;
  std::vector<std::string> pointers;
  for (const auto& file : tree.files) {
    if (looks_secret(file.path)) secret.push_back(file.path);
    if (is_lfs_pointer(tree.root, file)) pointers.push_back(file.path);
  }
  if (!secret.empty()) {
    tree.remarks.push_back("shipped too, and perhaps secret: " + named(secret) +
                           "; .gitignore keeps files here");
  }
  if (!pointers.empty()) {
    tree.remarks.push_back("only pointers of Git LFS, not their data, are here: " +
                           named(pointers) + "; git lfs pull brings it");
  }
}

void require_a_project(const fs::path& root) {
  const char* home = std::getenv("HOME");
  std::error_code ignored;
  if (root.has_relative_path() && !(home != nullptr && fs::equivalent(root, home, ignored))) return;
  throw Error(Code::refused, "push would ship all of '" + root.string() + "'",
              "put workflow.env into the directory of your project");
}

}  // namespace

std::string LocalTree::git_sha() const {
  if (head.empty()) return "push:" + name.substr(0, short_name);
  return dirty ? head + "-dirty-" + name.substr(0, short_name) : head;
}

LocalTree tree_to_push(const Settings& settings) {
  std::vector<fs::path> leave_out{settings.path_here("LOCAL_ARTIFACTS_DIR"),
                                  settings.path_here("SWEEP_CSV")};
  if (!settings.file().empty()) leave_out.push_back(settings.file());
  return look_at_tree(settings.base_dir(), leave_out);
}

LocalTree look_at_tree(const fs::path& dir, const std::vector<fs::path>& leave_out) {
  LocalTree tree;
  std::set<std::string> paths;
  tree.root = fs::canonical(dir);
  if (in_repository(tree.root)) {
    tree.root = fs::path(trim(git(tree.root, {"rev-parse", "--show-toplevel"})));
    require_a_project(tree.root);
    add_of_git(tree.root, "", paths);
    tree.head = head_of(tree.root);
    tree.dirty = !git(tree.root, {"status", "--porcelain", "-z"}).empty();
  } else {
    require_a_project(tree.root);
    add_all(tree.root, paths);
  }
  for (const auto& path : paths) {
    if (lies_in_one(tree.root / path, leave_out)) continue;
    if (auto file = look_at_file(tree.root, path)) tree.files.push_back(*std::move(file));
  }
  tree.text = tree_text(tree.files);
  tree.name = sha256_hex(tree.text);
  remark(tree);
  return tree;
}

}  // namespace workflow::client
