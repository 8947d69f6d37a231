#pragma once

#include <string>

#include "tasks/steps/git_access.h"

namespace workflow::tasks {

/// The commit that CHECKOUT_PR, CHECKOUT_BRANCH or the remote's default branch names.
struct WantedCommit {
  std::string sha;
  std::string ref;     ///< `refs/heads/main`, `refs/pull/12/head`
  std::string shown;   ///< `main`, `PR 12`
  std::string branch;  ///< empty: stay detached
};

/// Asks the remote, without a copy of it. Error(not_found) for a branch or pull request that it has
/// not, Error(precondition) when EXPECT_GIT_SHA begins another commit, Error(work_failed) with
/// git's words when the remote does not answer.
[[nodiscard]] WantedCommit find_wanted(const Step& step, const GitAccess& access);

}  // namespace workflow::tasks
