#include <algorithm>
#include <set>

#include "common/error.h"
#include "common/text.h"
#include "tasks/steps/git_access.h"
#include "tasks/steps/lfs.h"
#include "tasks/steps/remote_refs.h"
#include "tasks/steps/working_copy.h"

namespace workflow::tasks {
namespace {

using Words = std::vector<std::string>;

class GitCopy final : public WorkingCopy {
 public:
  explicit GitCopy(const Step& step)
      : step_(step),
        site_(step.site()),
        repo_(site_.repo()),
        url_(site_.text("REPO_URL")),
        access_(step) {}

  void check() override {
    if (url_.empty()) {
      throw Error(Code::usage, "REPO_URL is not set",
                  "set it in workflow.env: the git repository to check out");
    }
    there_ = fs::exists(repo_ / ".git");
    if (!there_ && fs::exists(repo_) && !fs::is_empty(repo_)) {
      throw Error(Code::exists, "'" + repo_.string() + "' is there and is no git repository",
                  "move it away, or set OPS_REMOTE_REPO");
    }
    wanted_ = find_wanted(step_, access_);
    if (there_) look_at_changes();
  }

  void update() override {
    if (force_) step_.warn("CHECKOUT_FORCE_CLEAN: changes thrown away: " + thrown_away_);
    if (!there_) clone();
    fetch();
    require_lfs(step_, access_, repo_, wanted_.sha);
    exclude_venv();
    site_.files().write(mark(), wanted_.sha + "\n");
    if (interrupted_) fs::remove(repo_ / ".git" / "index.lock");
    switch_to();
    submodules();
    pull_lfs(step_, access_, repo_);
    fs::remove(mark());
  }

  [[nodiscard]] Json claims() const override {
    return {{"repo", (repo_ / ".git").string()}, {"git_sha", wanted_.sha}, {"ref", wanted_.shown}};
  }
  [[nodiscard]] std::string shown() const override {
    return wanted_.shown + " at " + wanted_.sha.substr(0, 7);
  }

 private:
  /// There while the copy is being moved, with the commit it is moved to: what is halfway then is
  /// not a change of the user's.
  [[nodiscard]] fs::path mark() const { return repo_ / ".git" / "workflow-moving-to"; }

  [[nodiscard]] Words git(const Words& words) const {
    Words argv = access_.argv();
    argv.insert(argv.end(), {"-C", repo_.string()});
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
  }
  void run(const Words& argv) const {
    if (step_.try_run(argv, {}, access_.env())) return;
    const std::string said = step_.said();
    throw Error(Code::work_failed, "'git' failed: " + deciding_line(said), access_.hint(said));
  }
  /// Paths that a command of git lists with -z; nothing when it fails.
  [[nodiscard]] std::optional<std::set<std::string>> paths(const Words& words) const {
    const Captured answer = step_.probe(git(words), {}, access_.env());
    if (!answer.ok()) return std::nullopt;
    const auto list = split(answer.out, '\0');
    std::set<std::string> found(list.begin(), list.end());
    found.erase("");
    return found;
  }

  void look_at_changes() {
    const auto moving_to = site_.files().read(mark());
    interrupted_ = moving_to.has_value();
    const bool has_commit =
        step_.ask(git({"rev-parse", "--verify", "--quiet", "HEAD"})).has_value();
    if (!has_commit || !fs::exists(repo_ / ".git" / "index")) return;
    auto changed = paths({"diff", "--name-only", "-z", "--ignore-submodules=untracked", "HEAD"});
    if (!changed) {
      throw Error(Code::work_failed,
                  "git fails in '" + repo_.string() + "'; nothing was changed there",
                  "look at it on the target, or move it away");
    }
    if (interrupted_) keep_those_of_neither(*changed, std::string(trim(*moving_to)));
    if (changed->empty()) return;
    force_ = site_.flag("CHECKOUT_FORCE_CLEAN");
    for (const auto& path : *changed) step_.say("changed: " + path);
    thrown_away_ = first_few(*changed);
    if (force_) return;
    throw Error(Code::refused, "the working copy on the target has changes: " + thrown_away_,
                "commit and push them, or throw them away with CHECKOUT_FORCE_CLEAN=1");
  }

  /// A checkout was killed in the middle: what is as in the old commit or the new one is its work.
  void keep_those_of_neither(std::set<std::string>& changed, const std::string& moving_to) const {
    const auto others = paths({"diff", "--name-only", "-z", "--ignore-submodules=all", moving_to});
    if (!others) return;
    std::erase_if(changed, [&](const std::string& path) { return !others->contains(path); });
    step_.say("the last checkout was interrupted; it is done again");
  }

  static std::string first_few(const std::set<std::string>& paths) {
    std::string text;
    std::size_t told = 0;
    for (const auto& path : paths) {
      if (++told > 3) return text + ", …";
      text += (text.empty() ? "" : ", ") + path;
    }
    return text;
  }

  void clone() const {
    site_.files().make_dirs(repo_.parent_path());
    // Made beside and renamed: a clone that was cut short is never taken for a repository.
    const std::string half = "." + repo_.filename().string() + ".clone-";
    for (const auto& name : site_.files().list(repo_.parent_path())) {
      if (name.rfind(half, 0) == 0) fs::remove_all(repo_.parent_path() / name);
    }
    const fs::path fresh = repo_.parent_path() / (half + random_hex(4));
    Words argv = access_.argv();
    argv.insert(argv.end(), {"clone", "--no-checkout", "--", url_, fresh.string()});
    run(argv);
    if (fs::exists(repo_)) fs::remove(repo_);
    site_.files().rename(fresh, repo_);
  }

  void fetch() const {
    run(git({"remote", "set-url", "origin", url_}));
    run(git({"fetch", "--prune", "--tags", "--force", "--no-recurse-submodules", "origin",
             "+refs/heads/*:refs/remotes/origin/*"}));
    if (wanted_.branch.empty()) {
      run(git({"fetch", "--no-recurse-submodules", "origin",
               "+" + wanted_.ref + ":refs/workflow/" + wanted_.ref.substr(5)}));
    }
    if (step_.ask(git({"rev-parse", "--verify", "--quiet", wanted_.sha + "^{commit}"}))) return;
    throw Error(Code::work_failed,
                wanted_.shown + " was replaced while it was fetched; nothing was changed",
                "run checkout again");
  }

  void switch_to() const {
    Words words{"checkout", "--no-recurse-submodules"};
    if (force_ || interrupted_) words.emplace_back("--force");
    if (wanted_.branch.empty()) {
      words.insert(words.end(), {"--detach", wanted_.sha});
    } else {
      words.insert(words.end(), {"-B", wanted_.branch, wanted_.sha});
    }
    if (step_.try_run(git(words), {}, access_.env())) return;
    const bool in_the_way = step_.said().find("untracked working tree") != std::string::npos;
    if (!in_the_way) throw Error(Code::work_failed, "'git checkout' failed: " + step_.why());
    fs::remove(mark());
    throw Error(Code::refused,
                "files on the target that git does not know would be overwritten (listed in the "
                "log); nothing was changed",
                "move them away on the target");
  }

  void submodules() const {
    if (!fs::exists(repo_ / ".gitmodules")) return;
    run(git({"submodule", "sync", "--quiet"}));
    run(git(update_words({})));
    run(git({"submodule", "sync", "--quiet", "--recursive"}));
    run(git(update_words({"--recursive"})));
  }
  [[nodiscard]] Words update_words(const Words& more) const {
    Words words{"submodule", "update", "--init"};
    if (force_ || interrupted_) words.emplace_back("--force");
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  void exclude_venv() const {
    const fs::path exclude = repo_ / ".git" / "info" / "exclude";
    const std::string text = site_.files().read(exclude).value_or("");
    if (text.find("/.venv/") != std::string::npos) return;
    site_.files().make_dirs(exclude.parent_path());
    site_.files().write(exclude, text + "/.venv/\n");
  }

  const Step& step_;
  const Site& site_;
  fs::path repo_;
  std::string url_;
  GitAccess access_;
  WantedCommit wanted_;
  bool there_ = false;
  bool force_ = false;
  std::string thrown_away_;  ///< with CHECKOUT_FORCE_CLEAN; for people
  bool interrupted_ = false;
};

}  // namespace

std::unique_ptr<WorkingCopy> git_copy(const Step& step) { return std::make_unique<GitCopy>(step); }

}  // namespace workflow::tasks
