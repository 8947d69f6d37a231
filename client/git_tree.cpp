#include "client/git_tree.h"

#include "common/error.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "common/tree_list.h"

namespace workflow::client {
namespace {

constexpr std::int64_t git_limit_ms = 120'000;

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

/// Adds a repository below the root, and those in it; `as_untracked` where its parent does not know
/// it.
void add_repository(GitTree& tree, const std::string& below, bool as_untracked) {
  const fs::path dir = tree.root / below;
  const auto add = [&](std::string_view path, bool untracked, bool repository) {
    std::string full = below.empty() ? std::string(path) : below + "/" + std::string(path);
    if (full.ends_with('/')) full.pop_back();
    if (!is_shipped(full)) return;
    if (!repository) {
      (untracked ? tree.untracked : tree.tracked).insert(std::move(full));
    } else if (fs::exists(tree.root / full / ".git")) {
      add_repository(tree, full, untracked);
    }
  };
  for (const std::string_view line : split(git(dir, {"ls-files", "-z", "--stage"}), '\0')) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) continue;
    add(line.substr(tab + 1), as_untracked, line.starts_with("160000 "));  // a submodule
  }
  const std::string status =
      git(dir, {"--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--no-renames",
                "--untracked-files=all", "--ignore-submodules=untracked"});
  for (const std::string_view line : split(status, '\0')) {
    constexpr std::string_view oid = "# branch.oid ";
    if (line.starts_with("? ")) {
      add(line.substr(2), true, line.ends_with('/'));
    } else if (below.empty() && line.starts_with(oid) && !line.ends_with("(initial)")) {
      tree.head = line.substr(oid.size());
    } else if (!line.empty() && !line.starts_with("#")) {
      tree.changed = true;
    }
  }
}

}  // namespace

std::optional<GitTree> look_with_git(const fs::path& dir) {
  if (!in_repository(dir)) return std::nullopt;
  GitTree tree;
  tree.root = fs::path(trim(git(dir, {"rev-parse", "--show-toplevel"})));
  add_repository(tree, "", false);
  return tree;
}

std::string patch_of(const fs::path& root, const std::vector<std::string>& leave_out) {
  std::vector<std::string> words{"diff", "--binary", "--no-color", "--no-ext-diff",
                                 "HEAD", "--",       "."};
  for (const auto& path : leave_out) words.push_back(":(top,exclude,literal)" + path);
  return git(root, words);
}

}  // namespace workflow::client
