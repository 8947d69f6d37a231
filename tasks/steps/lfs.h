#pragma once

#include "tasks/steps/git_access.h"

namespace workflow::tasks {

/// Error(precondition) when a commit keeps files in Git LFS and git-lfs is not on the target: its
/// pointer files would be taken for data.
void require_lfs(const Step& step, const GitAccess& access, const fs::path& repo,
                 const std::string& commit);

/// Fetches what the working copy and its submodules keep in Git LFS.
void pull_lfs(const Step& step, const GitAccess& access, const fs::path& repo);

}  // namespace workflow::tasks
