#include "tasks/steps/lfs.h"

#include "common/error.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

std::vector<std::string> in(const GitAccess& access, const fs::path& repo,
                            const std::vector<std::string>& words) {
  std::vector<std::string> argv = access.argv();
  argv.insert(argv.end(), {"-C", repo.string()});
  argv.insert(argv.end(), words.begin(), words.end());
  return argv;
}

/// A file of a commit that names LFS's filter: .gitattributes of any directory; empty for none.
std::string lfs_attributes(const Step& step, const GitAccess& access, const fs::path& repo,
                           const std::string& commit) {
  const auto found = step.ask(in(access, repo,
                                 {"grep", "--name-only", "--fixed-strings", "-e", "filter=lfs",
                                  commit, "--", ":(glob)**/.gitattributes"}));
  const std::string first = found.value_or("").substr(0, found.value_or("").find('\n'));
  return first.substr(first.find(':') + 1);
}

void pull_one(const Step& step, const GitAccess& access, const fs::path& repo) {
  require_lfs(step, access, repo, "HEAD");
  if (lfs_attributes(step, access, repo, "HEAD").empty()) return;
  // Without its filter git would call every fetched file changed.
  for (const auto& words :
       {std::vector<std::string>{"lfs", "install", "--local", "--skip-repo"}, {"lfs", "pull"}}) {
    if (step.try_run(in(access, repo, words), {}, access.env())) continue;
    throw Error(Code::work_failed, "'git lfs' failed: " + step.why(), access.hint(step.said()));
  }
}

}  // namespace

void require_lfs(const Step& step, const GitAccess& access, const fs::path& repo,
                 const std::string& commit) {
  const std::string attributes = lfs_attributes(step, access, repo, commit);
  if (attributes.empty() || step.ask({"git", "lfs", "version"})) return;
  throw Error(Code::precondition,
              "this repository keeps files in Git LFS ('" + attributes + "' in '" + repo.string() +
                  "'), and git-lfs is not on the target",
              "add git-lfs to APT_PACKAGES and run bootstrap with AUTO_INSTALL_PREREQS=1, or "
              "install it by hand: apt-get install git-lfs");
}

void pull_lfs(const Step& step, const GitAccess& access, const fs::path& repo) {
  pull_one(step, access, repo);
  const auto submodules =
      step.ask(in(access, repo, {"submodule", "--quiet", "foreach", "--recursive", "pwd"}));
  for (const auto& path : split(submodules.value_or(""), '\n')) {
    if (!path.empty()) pull_one(step, access, path);
  }
}

}  // namespace workflow::tasks
