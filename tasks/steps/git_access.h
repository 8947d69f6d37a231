#pragma once

#include <string>
#include <vector>

#include "tasks/steps/step.h"

namespace workflow::tasks {

/// How git on the target comes to REPO_URL without asking anybody: with the login that stood in the
/// URL, with a token that WF_SECRETS names (GIT_TOKEN for any server; GITHUB_TOKEN, GH_TOKEN and
/// GITLAB_TOKEN for servers of that name), given to REPO_URL's own server alone; else as the
/// target's own git would, with the agent that ssh forwards.
class GitAccess {
 public:
  explicit GitAccess(const Step& step);

  /// `git` and the words that stand before its command.
  [[nodiscard]] std::vector<std::string> argv() const;
  /// Variables of every git.
  [[nodiscard]] const std::vector<std::string>& env() const { return env_; }
  /// What to do about a failure that git told in such words.
  [[nodiscard]] std::string hint(const std::string& why) const;

 private:
  std::vector<std::string> env_;
  std::string server_;
  bool answers_ = false;  ///< we have a login for the server
};

}  // namespace workflow::tasks
