#include "tasks/steps/code_now.h"

#include <algorithm>

#include "common/sha256.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "common/tree_list.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t look_limit_ms = 30'000;
constexpr std::size_t short_hash = 12;

std::optional<std::string> git(const fs::path& repo, std::vector<std::string> words) {
  words.insert(words.begin(), {"git", "-C", repo.string()});
  CaptureSpec spec;
  spec.argv = std::move(words);
  spec.limit_ms = look_limit_ms;
  Captured answer = capture(spec);
  return answer.ok() ? std::optional(std::move(answer.out)) : std::nullopt;
}

std::string dirty(const std::string& commit, const std::string& changes) {
  return commit + "-dirty-" + sha256_hex(changes).substr(0, short_hash);
}

/// The commit that is out, and a name for what differs from it; nothing when git does not answer.
std::optional<std::string> of_clone(const fs::path& repo) {
  const auto head = git(repo, {"rev-parse", "--verify", "HEAD"});
  const auto changes = git(repo, {"diff", "--no-ext-diff", "--no-color", "--binary",
                                  "--ignore-submodules=untracked", "HEAD"});
  if (!head || !changes) return std::nullopt;
  const std::string commit(trim(*head));
  return changes->empty() ? commit : dirty(commit, *changes);
}

std::optional<std::string> of_push(const fs::path& list_file, const std::string& claimed) {
  const auto text = real_files().read(list_file);
  if (!text) return std::nullopt;
  TreeList changed;
  for (const auto& file : tree_from(*text)) {
    const auto there = look_at_file(list_file.parent_path().parent_path(), file.path);
    if (there != file) changed.push_back(there.value_or(TreeFile{.path = file.path}));
  }
  return changed.empty() ? claimed : dirty(claimed, tree_text(changed));
}

}  // namespace

std::string short_code(const std::string& git_sha) {
  constexpr std::size_t full_commit = 40;
  const std::size_t name = std::min(git_sha.find('-'), git_sha.size());
  return name == full_commit ? git_sha.substr(0, 7) + git_sha.substr(name) : git_sha;
}

CodeNow code_now(const Json& claims) {
  const Json& checkout = member(claims, "checkout");
  const std::string claimed = text_at(checkout, "git_sha");
  const fs::path repo = text_at(checkout, "repo");
  if (claimed.empty() || repo.empty()) return {claimed};
  const auto now =
      repo.filename() == ".git" ? of_clone(repo.parent_path()) : of_push(repo, claimed);
  if (!now || *now == claimed) return {claimed};
  return {*now, "the working copy is not as checkout left it: it was " + short_code(claimed) +
                    ", it is " + short_code(*now)};
}

}  // namespace workflow::tasks
