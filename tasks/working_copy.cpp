#include "tasks/working_copy.h"

#include "common/subprocess.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t limit_ms = 30'000;

Captured ask_git(const fs::path& repo, std::vector<std::string> words) {
  words.insert(words.begin(),
               {"git", "--no-optional-locks", "-C", repo.string(),
                "--git-dir=" + (repo / ".git").string(), "--work-tree=" + repo.string()});
  CaptureSpec spec;
  spec.argv = std::move(words);
  spec.limit_ms = limit_ms;
  return capture(spec);
}

}  // namespace

WorkingCopy look_at_working_copy(const fs::path& repo) {
  WorkingCopy copy;
  if (presence(repo / ".git") != Presence::there) return copy;
  const Captured head = ask_git(repo, {"rev-parse", "--verify", "--quiet", "HEAD^{commit}"});
  if (!head.ok()) return copy;
  copy.head = trim(head.out);
  const Captured changes = ask_git(repo, {"status", "--porcelain", "--untracked-files=no"});
  copy.changed = changes.ok() && !trim(changes.out).empty();
  return copy;
}

}  // namespace workflow::tasks
