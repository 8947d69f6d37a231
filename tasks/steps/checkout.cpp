#include <algorithm>

#include "common/error.h"
#include "common/text.h"
#include "tasks/steps/data.h"
#include "tasks/steps/step.h"
#include "tasks/steps/virtual_env.h"

namespace workflow::tasks {
namespace {

const std::vector<std::string> no_questions{"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true"};

class Checkout {
 public:
  explicit Checkout(const Step& step)
      : step_(step), site_(step.site()), repo_(site_.repo()), url_(site_.text("REPO_URL")) {}

  void run() {
    if (site_.text("CHECKOUT_SOURCE") == "push") {
      throw Error(Code::usage, "CHECKOUT_SOURCE=push is not built into this version",
                  "set CHECKOUT_SOURCE=git and REPO_URL");
    }
    if (url_.empty()) {
      throw Error(Code::usage, "REPO_URL is not set",
                  "set it in workflow.env: the git repository to check out");
    }
    ensure_data(step_);  // seconds now instead of a failure after a long install
    fetch();
    switch_to(wanted_commit());
    const VirtualEnv venv(step_);
    venv.make();
    venv.install();
    venv.check_torch();
    write_remote_env(step_);
    report(venv);
  }

 private:
  [[nodiscard]] std::vector<std::string> git(std::vector<std::string> words) const {
    words.insert(words.begin(), {"git", "-C", repo_.string()});
    return words;
  }
  void run_git(std::vector<std::string> words) const {
    step_.run(git(std::move(words)), {}, no_questions);
  }
  [[nodiscard]] std::string ask_git(std::vector<std::string> words) const {
    return step_.ask(git(std::move(words))).value_or("");
  }

  void fetch() const {
    if (!fs::exists(repo_ / ".git")) {
      if (fs::exists(repo_) && !fs::is_empty(repo_)) {
        throw Error(Code::exists, "'" + repo_.string() + "' is there and is no git repository",
                    "move it away, or set OPS_REMOTE_REPO");
      }
      site_.files().make_dirs(repo_.parent_path());
      // Made beside and renamed: a clone that was cut short is never taken for a repository.
      const std::string half = "." + repo_.filename().string() + ".clone-";
      for (const auto& name : site_.files().list(repo_.parent_path())) {
        if (name.rfind(half, 0) == 0) fs::remove_all(repo_.parent_path() / name);
      }
      const fs::path fresh = repo_.parent_path() / (half + random_hex(4));
      step_.run({"git", "clone", "--no-checkout", "--", url_, fresh.string()}, {}, no_questions);
      if (fs::exists(repo_)) fs::remove(repo_);
      site_.files().rename(fresh, repo_);
    }
    run_git({"remote", "set-url", "origin", url_});
    run_git(
        {"fetch", "--prune", "--tags", "--force", "origin", "+refs/heads/*:refs/remotes/origin/*"});
  }

  struct Commit {
    std::string sha;
    std::string shown;   ///< `main`, `PR 12`
    std::string branch;  ///< empty: stay detached
  };

  [[nodiscard]] Commit wanted_commit() const {
    Commit wanted;
    if (const std::string pr = site_.text("CHECKOUT_PR"); !pr.empty()) {
      const std::string ref = "refs/workflow/pr-" + pr;
      const std::string there = "refs/pull/" + pr + "/head";
      const auto listed = step_.ask(git({"ls-remote", "origin", there}));
      if (listed && listed->empty()) {
        throw Error(Code::not_found, "pull request " + pr + " is not in " + url_,
                    "CHECKOUT_PR is its number");
      }
      run_git({"fetch", "origin", "+" + there + ":" + ref});
      wanted = {ask_git({"rev-parse", "--verify", ref + "^{commit}"}), "PR " + pr, ""};
    } else {
      std::string branch = site_.text("CHECKOUT_BRANCH");
      if (branch.empty()) branch = default_branch();
      wanted = {ask_git({"rev-parse", "--verify", "refs/remotes/origin/" + branch + "^{commit}"}),
                branch, branch};
      if (wanted.sha.empty()) {
        throw Error(Code::not_found, "branch '" + branch + "' is not in " + url_,
                    "was it pushed? It has: " + remote_branches());
      }
    }
    const std::string expected = lower(site_.text("EXPECT_GIT_SHA"));
    if (wanted.sha.rfind(expected, 0) != 0) {
      throw Error(Code::precondition, wanted.shown + " is at " + wanted.sha.substr(0, 12) +
                                          ", but EXPECT_GIT_SHA is " + expected);
    }
    return wanted;
  }

  [[nodiscard]] std::string default_branch() const {
    const std::string listing = ask_git({"ls-remote", "--symref", "origin", "HEAD"});
    const std::string prefix = "ref: refs/heads/";
    if (listing.rfind(prefix, 0) != 0) {
      throw Error(Code::not_found, url_ + " has no default branch", "set CHECKOUT_BRANCH");
    }
    return listing.substr(prefix.size(), listing.find('\t') - prefix.size());
  }

  [[nodiscard]] std::string remote_branches() const {
    const std::string all =
        ask_git({"for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin"});
    std::string text = all;
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text.empty() ? "no branch" : text;
  }

  void switch_to(const Commit& commit) {
    const bool has_commit = !ask_git({"rev-parse", "--verify", "--quiet", "HEAD"}).empty();
    const bool has_files = fs::exists(repo_ / ".git" / "index");
    if (has_commit && has_files) {
      const auto changes = step_.ask(git({"status", "--porcelain", "--untracked-files=no"}));
      if (!changes) {
        throw Error(Code::work_failed,
                    "git status fails in '" + repo_.string() + "'; nothing was changed there",
                    "look at it on the target");
      }
      if (!changes->empty() && !site_.flag("CHECKOUT_FORCE_CLEAN")) {
        step_.say(*changes);
        throw Error(Code::refused, "the working copy on the target has changes (listed above)",
                    "commit and push them, or throw them away with CHECKOUT_FORCE_CLEAN=1");
      }
    }
    exclude_venv();
    if (commit.branch.empty()) {
      run_git({"checkout", "--force", "--detach", commit.sha});
    } else {
      run_git({"checkout", "--force", "-B", commit.branch, commit.sha});
    }
    if (fs::exists(repo_ / ".gitmodules")) {
      run_git({"submodule", "update", "--init", "--recursive"});
    }
    if (uses_lfs()) run_git({"lfs", "pull"});
    commit_ = commit;
  }

  [[nodiscard]] bool uses_lfs() const {
    return site_.files().read(repo_ / ".gitattributes").value_or("").find("filter=lfs") !=
           std::string::npos;
  }

  void exclude_venv() const {
    const fs::path exclude = repo_ / ".git" / "info" / "exclude";
    const std::string text = site_.files().read(exclude).value_or("");
    if (text.find("/.venv/") != std::string::npos) return;
    site_.files().make_dirs(exclude.parent_path());
    site_.files().write(exclude, text + "/.venv/\n");
  }

  void report(const VirtualEnv& venv) const {
    const std::string head = ask_git({"rev-parse", "HEAD"});
    step_.found({{"checkout",
                  {{"repo", (repo_ / ".git").string()},
                   {"venv_python", venv.python().string()},
                   {"git_sha", head},
                   {"ref", commit_.shown},
                   {"inputs_sha256", step_inputs_sha256(site_, fsm::Event::checkout)}}}},
                commit_.shown + " at " + head.substr(0, 7) + ", venv ready");
    step_.say(commit_.shown + " at " + head + ", venv ready");
  }

  const Step& step_;
  const Site& site_;
  fs::path repo_;
  std::string url_;
  Commit commit_;
};

}  // namespace

void checkout(const Step& step) { Checkout(step).run(); }

}  // namespace workflow::tasks
