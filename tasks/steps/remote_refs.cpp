#include "tasks/steps/remote_refs.h"

#include <map>

#include "common/error.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

/// What `git ls-remote` said: commits by ref; the branch that HEAD is, where it told.
struct Refs {
  std::map<std::string, std::string> commits;
  std::string default_branch;
};

Refs parse_refs(const std::string& lines) {
  Refs refs;
  const std::string symbolic = "ref: refs/heads/";
  for (const auto& line : split(lines, '\n')) {
    const auto tab = line.find('\t');
    if (tab == std::string::npos) continue;
    const std::string ref = line.substr(tab + 1);
    if (line.rfind(symbolic, 0) == 0) {
      if (ref == "HEAD") refs.default_branch = line.substr(symbolic.size(), tab - symbolic.size());
    } else {
      refs.commits[ref] = line.substr(0, tab);
    }
  }
  return refs;
}

Refs ask_remote(const Step& step, const GitAccess& access, const std::vector<std::string>& which) {
  const std::string url = step.site().text("REPO_URL");
  std::vector<std::string> argv = access.argv();
  argv.insert(argv.end(), {"ls-remote", "--symref", "--", url});
  argv.insert(argv.end(), which.begin(), which.end());
  const Captured answer = step.probe(argv, {}, access.env());
  if (answer.ok()) return parse_refs(answer.out);
  step.say(answer.err);
  const std::string why =
      answer.timed_out ? "no answer for two minutes" : deciding_line(answer.err);
  throw Error(Code::work_failed, "cannot look into " + url + ": " + why, access.hint(answer.err));
}

std::string branches(const Step& step, const GitAccess& access) {
  std::string text;
  for (const auto& [ref, sha] : ask_remote(step, access, {"refs/heads/*"}).commits) {
    if (text.size() > 200) return text + " …";
    text += (text.empty() ? "" : " ") + ref.substr(std::string("refs/heads/").size());
  }
  return text.empty() ? "no branch" : text;
}

void require_expected(const Step& step, const WantedCommit& wanted) {
  const std::string expected = lower(step.site().text("EXPECT_GIT_SHA"));
  if (wanted.sha.rfind(expected, 0) == 0) return;
  throw Error(Code::precondition,
              wanted.shown + " is at " + wanted.sha.substr(0, 12) + ", but EXPECT_GIT_SHA is " +
                  expected + "; nothing was changed",
              "was it pushed? or set EXPECT_GIT_SHA to the commit that you mean");
}

}  // namespace

WantedCommit find_wanted(const Step& step, const GitAccess& access) {
  const Site& site = step.site();
  const std::string url = site.text("REPO_URL");
  const std::string pr = site.text("CHECKOUT_PR");
  std::string branch = site.text("CHECKOUT_BRANCH");
  std::vector<std::string> which{"HEAD"};
  if (!pr.empty()) which.push_back("refs/pull/" + pr + "/head");
  if (!branch.empty()) which.push_back("refs/heads/" + branch);
  const Refs refs = ask_remote(step, access, which);
  if (branch.empty()) branch = refs.default_branch;
  if (pr.empty() && branch.empty()) {
    throw Error(Code::not_found, url + " has no default branch", "set CHECKOUT_BRANCH");
  }
  WantedCommit wanted{"", "refs/heads/" + branch, branch, branch};
  if (!pr.empty()) wanted = {"", "refs/pull/" + pr + "/head", "PR " + pr, ""};
  const auto found = refs.commits.find(wanted.ref);
  if (found != refs.commits.end()) {
    wanted.sha = found->second;
  } else if (!pr.empty()) {
    throw Error(Code::not_found, "pull request " + pr + " is not in " + url,
                "CHECKOUT_PR is its number");
  } else if (site.text("CHECKOUT_BRANCH").empty() && refs.commits.contains("HEAD")) {
    wanted.sha = refs.commits.at("HEAD");
  } else {
    throw Error(Code::not_found, "branch '" + branch + "' is not in " + url,
                "was it pushed? It has: " + branches(step, access));
  }
  require_expected(step, wanted);
  return wanted;
}

}  // namespace workflow::tasks
