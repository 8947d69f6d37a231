#pragma once

#include "client/local_tree.h"
#include "client/session.h"

namespace workflow::client {

/// Ships this machine's tree to the target as a snapshot; of what is there already nothing is
/// sent. Returns `tree`, `git_sha`, `head`, `dirty`, `root`, `files`, `bytes`, `sent_files`,
/// `sent_bytes`, `snapshot` (its path), `remarks[]`, `notes[]`.
[[nodiscard]] Json push(Session& session);

}  // namespace workflow::client
